"""The first texts, where nobody has changed them, now that TRON is one of the networks."""

from django.db import migrations

SENTENCES = {
    "Пополняйте баланс в Arbitrum One и BNB Smart Chain, следите": (
        "Пополняйте баланс в TRON, Arbitrum One и BNB Smart Chain, следите"
    ),
    "Pay in on Arbitrum One and BNB Smart Chain, watch": "Pay in on TRON, Arbitrum One and BNB Smart Chain, watch",
    "Один баланс в USDT, две сети, полная запись": "Один баланс в USDT, три сети, полная запись",
    "One balance in USDT, two networks, and a full record": "One balance in USDT, three networks, and a full record",
    "внесли в Arbitrum One, вывели в BNB Smart Chain.": "внесли в TRON, вывели в BNB Smart Chain.",
    "deposit on Arbitrum One, withdraw on BNB Smart Chain.": "deposit on TRON, withdraw on BNB Smart Chain.",
    "<h2>Адрес один для обеих сетей</h2>": "<h2>Два адреса для трёх сетей</h2>",
    "<h2>One address for both networks</h2>": "<h2>Two addresses for three networks</h2>",
    (
        "<p>У Arbitrum One и BNB Smart Chain общий вид адресов, поэтому ваш адрес пополнения в них один и тот же. Перевод, "
        "который вы отправили не в ту из двух сетей, мы найдём и зачислим.</p>"
    ): (
        "<p>У TRON адреса свои: они начинаются с T. У Arbitrum One и BNB Smart Chain общий вид адресов, они начинаются с "
        "0x, поэтому ваш адрес пополнения в них один и тот же. Перевод, который вы отправили не в ту из этих двух сетей, "
        "мы найдём и зачислим.</p>"
    ),
    (
        "<p>Arbitrum One and BNB Smart Chain share one kind of address, so your deposit address is the same on both. A "
        "transfer that you sent on the other one of the two is found and credited.</p>"
    ): (
        "<p>TRON has addresses of its own, which begin with T. Arbitrum One and BNB Smart Chain share one kind, which "
        "begins with 0x, so your deposit address is the same on both. A transfer that you sent on the other one of these "
        "two is found and credited.</p>"
    ),
    "<li>Другие токены, ETH и BNB: их мы не зачисляем": "<li>Другие токены, TRX, ETH и BNB: их мы не зачисляем",
    "<li>Other tokens, ETH or BNB: we do not credit": "<li>Other tokens, TRX, ETH or BNB: we do not credit",
    "<li>USDT в других сетях, например TRON (TRC-20) или Ethereum.</li>": (
        "<li>USDT в других сетях, например Ethereum, Solana или TON.</li>"
    ),
    "<li>USDT on other networks, such as TRON (TRC-20) or Ethereum.</li>": (
        "<li>USDT on other networks, such as Ethereum, Solana or TON.</li>"
    ),
    (
        "За вывод мы берём постоянную комиссию, она видна до подтверждения и списывается сверх суммы. Адресат получает "
        "ровно столько, сколько вы указали.</p>"
    ): (
        "За вывод мы берём комиссию, она видна до подтверждения и списывается сверх суммы. Адресат получает ровно "
        "столько, сколько вы указали.</p> <p>В TRON комиссия зависит от получателя: перевод на адрес, где ещё нет USDT, "
        "стоит сети примерно вдвое дороже. Точную сумму вы увидите, когда укажете адрес.</p>"
    ),
    (
        "For a withdrawal we take a fixed fee; you see it before you confirm, and it is debited on top of the amount. The "
        "recipient gets exactly what you typed.</p>"
    ): (
        "For a withdrawal we take a fee; you see it before you confirm, and it is debited on top of the amount. The "
        "recipient gets exactly what you typed.</p> <p>On TRON the fee depends on the recipient: a transfer to an address "
        "that holds no USDT yet costs the network about twice as much. You see the exact sum once you have given the "
        "address.</p>"
    ),
}
FIELDS = {
    "HomePage": ("summary_ru", "summary_en"),
    "HelpPage": ("summary_ru", "summary_en", "body_ru", "body_en"),
}


def replaced(text, sentences):
    for old, new in sentences.items():
        text = text.replace(old, new)
    return text


def forward(apps, schema_editor, sentences=SENTENCES):
    for model, fields in FIELDS.items():
        for page in apps.get_model("cms", model).objects.all():
            changed = {name: replaced(getattr(page, name), sentences) for name in fields}
            if any(getattr(page, name) != text for name, text in changed.items()):
                for name, text in changed.items():
                    setattr(page, name, text)
                page.save(update_fields=list(changed))


def backward(apps, schema_editor):
    forward(apps, schema_editor, {new: old for old, new in SENTENCES.items()})


class Migration(migrations.Migration):
    dependencies = [("cms", "0002_first_pages")]
    operations = [migrations.RunPython(forward, backward)]
