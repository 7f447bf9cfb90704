"""The texts that a new installation starts with. Editors change them under /cms/."""

HOME = {
    "title": "Home",
    "heading_ru": "Каждый USDT на счету",
    "heading_en": "Every USDT accounted for",
    "summary_ru": (
        "Пополняйте баланс в Arbitrum One и BNB Smart Chain, следите за каждым подтверждением и выводите деньги, "
        "когда согласились и вы, и наши сотрудники."
    ),
    "summary_en": (
        "Pay in on Arbitrum One and BNB Smart Chain, watch every confirmation, and get paid out once you and our people "
        "have both said yes."
    ),
}

POINTS = (
    {
        "icon": "eye",
        "ru": (
            "Видно каждый блок",
            "Перевод появляется на странице через секунды. Видно, сколько блоков осталось до зачисления.",
        ),
        "en": (
            "You see every block",
            "A transfer shows up within seconds, with the number of blocks left until it is credited.",
        ),
    },
    {
        "icon": "lock",
        "ru": (
            "Адрес не подменить",
            "Адреса пополнения подписаны отдельной программой. Если подпись не сходится, адрес не показываем.",
        ),
        "en": (
            "An address nobody can swap",
            "Deposit addresses are signed by a separate program. No valid signature, no address on the page.",
        ),
    },
    {
        "icon": "people",
        "ru": (
            "Решают двое",
            "Вы подтверждаете вывод паролем и письмом, потом его проверяет сотрудник, крупный вывод проверяют двое.",
        ),
        "en": (
            "More than one yes",
            "You confirm a withdrawal by password and e-mail, then a person reviews it; a large one is reviewed by two.",
        ),
    },
    {
        "icon": "ledger",
        "ru": (
            "Книга без исправлений",
            "Каждое движение записано один раз и навсегда. Баланс всегда равен сумме записей.",
        ),
        "en": (
            "A ledger without erasers",
            "Each movement is written once and for good. Your balance is always the sum of what is written.",
        ),
    },
    {
        "icon": "network",
        "ru": (
            "Комиссия известна заранее",
            "До подтверждения видно, сколько спишем, какая комиссия и сколько получит адресат.",
        ),
        "en": (
            "The fee is known beforehand",
            "Before you confirm you see what is debited, what the fee is and what the recipient gets.",
        ),
    },
    {
        "icon": "staff",
        "ru": (
            "Отмена до отправки",
            "Передумали? Вывод можно отменить, пока он не ушёл в сеть: деньги сразу вернутся на баланс.",
        ),
        "en": (
            "Cancel until it is sent",
            "Changed your mind? Cancel until the payment goes to the network: the money is back at once.",
        ),
    },
)

HELP = {
    "title": "Help",
    "slug": "help",
    "heading_ru": "Справка",
    "heading_en": "Help",
    "summary_ru": "Как устроены пополнения, выводы, комиссии и защита.",
    "summary_en": "How deposits, withdrawals, fees and security work.",
}

PAGES = (
    {
        "slug": "about",
        "title": "What Exchequer is",
        "heading_ru": "Что такое Exchequer",
        "heading_en": "What Exchequer is",
        "summary_ru": "Один баланс в USDT, две сети, полная запись каждого движения.",
        "summary_en": "One balance in USDT, two networks, and a full record of every movement.",
        "body_ru": """
<p>Exchequer хранит ваш баланс в USDT и проводит переводы в блокчейн и обратно. Баланс один, в какой бы сети вы его ни
пополнили: внесли в Arbitrum One, вывели в BNB Smart Chain.</p>
<h2>Что видно на странице обзора</h2>
<ul>
<li><b>Доступно</b>: то, чем можно распоряжаться сейчас.</li>
<li><b>В резерве</b>: суммы выводов, которые уже созданы, но ещё не отправлены. Они не потрачены: при отмене или отказе
вся сумма вместе с комиссией вернётся.</li>
<li><b>Подтверждаются</b>: пополнения, которые сеть уже видит, но которые ещё не стали окончательными.</li>
</ul>
<h2>Почему «Exchequer»</h2>
<p>Так звали английскую казну: деньги считали на клетчатом сукне, чтобы счёт видели обе стороны. Мы считаем так же.</p>
""",
        "body_en": """
<p>Exchequer keeps your balance in USDT and moves it to and from blockchains. There is one balance, whichever network you
pay in on: deposit on Arbitrum One, withdraw on BNB Smart Chain.</p>
<h2>What the overview shows</h2>
<ul>
<li><b>Available</b>: what you can use now.</li>
<li><b>Reserved</b>: withdrawals that you have asked for and that are not sent yet. It is not spent: if one is cancelled or
rejected, the whole sum comes back with its fee.</li>
<li><b>Confirming</b>: deposits that the network has seen and that are not final yet.</li>
</ul>
<h2>Why “Exchequer”</h2>
<p>It was England's treasury: money was counted on a chequered cloth, so that both sides could see the count. We count the
same way.</p>
""",
    },
    {
        "slug": "deposits",
        "title": "How deposits work",
        "heading_ru": "Как пополнить баланс",
        "heading_en": "How deposits work",
        "summary_ru": "Выберите сеть, отправьте USDT на свой адрес, дождитесь подтверждений.",
        "summary_en": "Choose the network, send USDT to your address, wait for the confirmations.",
        "body_ru": """
<ol>
<li>Откройте «Пополнить» и выберите сеть. Она должна совпадать с сетью в вашем кошельке или на бирже.</li>
<li>Скопируйте адрес или отсканируйте QR-код. Адрес показан полностью: сверьте его весь, а не только начало и конец.</li>
<li>Отправьте USDT. Через несколько секунд перевод появится на той же странице.</li>
<li>Когда подтвердится нужное число блоков, сумма зачислится сама. Страницу можно закрыть: мы пришлём письмо.</li>
</ol>
<h2>Адрес один для обеих сетей</h2>
<p>У Arbitrum One и BNB Smart Chain общий вид адресов, поэтому ваш адрес пополнения в них один и тот же. Перевод, который вы
отправили не в ту из двух сетей, мы найдём и зачислим.</p>
<h2>Чего отправлять нельзя</h2>
<ul>
<li>Другие токены, ETH и BNB: их мы не зачисляем, и деньги могут быть потеряны.</li>
<li>USDT в других сетях, например TRON (TRC-20) или Ethereum.</li>
<li>Меньше минимума сети: такой перевод не зачисляется.</li>
</ul>
<h2>Почему нужны подтверждения</h2>
<p>Последние блоки сеть ещё может переписать. Поэтому мы ждём, пока перевод окажется достаточно глубоко. Если сеть вернула
перевод назад, а потом включила его снова, он зачислится один раз.</p>
""",
        "body_en": """
<ol>
<li>Open “Deposit” and choose the network. It must be the one that your wallet or exchange uses.</li>
<li>Copy the address or scan the QR code. The address is shown whole: compare all of it, not just both ends.</li>
<li>Send USDT. The transfer shows up on the same page within seconds.</li>
<li>Once enough blocks have confirmed it, it is credited by itself. You may close the page: we send you a mail.</li>
</ol>
<h2>One address for both networks</h2>
<p>Arbitrum One and BNB Smart Chain share one kind of address, so your deposit address is the same on both. A transfer that
you sent on the other one of the two is found and credited.</p>
<h2>What not to send</h2>
<ul>
<li>Other tokens, ETH or BNB: we do not credit them, and they may be lost.</li>
<li>USDT on other networks, such as TRON (TRC-20) or Ethereum.</li>
<li>Less than the network's minimum: such a transfer is not credited.</li>
</ul>
<h2>Why confirmations are needed</h2>
<p>A network may still rewrite its latest blocks, so we wait until a transfer lies deep enough. If the network takes a
transfer back and includes it again later, it is credited once.</p>
""",
    },
    {
        "slug": "networks-and-fees",
        "title": "Networks and fees",
        "heading_ru": "Сети и комиссии",
        "heading_en": "Networks and fees",
        "summary_ru": "Минимумы, комиссии и сроки для каждой сети.",
        "summary_en": "Minimums, fees and times of each network.",
        "shows_networks": True,
        "body_ru": """
<p>Пополнение бесплатно: вы платите только комиссию сети, её берёт ваш кошелёк или биржа. За вывод мы берём постоянную
комиссию, она видна до подтверждения и списывается сверх суммы. Адресат получает ровно столько, сколько вы указали.</p>
<p>Если вывод отменён, отклонён или не прошёл в сети, комиссия возвращается вместе с суммой.</p>
""",
        "body_en": """
<p>Deposits are free: you pay only the network's own fee, which your wallet or exchange takes. For a withdrawal we take a
fixed fee; you see it before you confirm, and it is debited on top of the amount. The recipient gets exactly what you typed.</p>
<p>If a withdrawal is cancelled, rejected or fails on the network, the fee comes back with the amount.</p>
""",
    },
    {
        "slug": "withdrawals",
        "title": "Withdrawals and reviews",
        "heading_ru": "Выводы и проверка",
        "heading_en": "Withdrawals and reviews",
        "summary_ru": "Пять шагов от заявки до перевода и что значит каждый статус.",
        "summary_en": "Five steps from the request to the payment, and what each state means.",
        "body_ru": """
<ol>
<li><b>Заявка.</b> Укажите сеть, адрес и сумму, проверьте итог, введите пароль. Сумма с комиссией уходит в резерв.</li>
<li><b>Ваше подтверждение.</b> Мы пришлём письмо. Откройте ссылку и нажмите кнопку в течение часа, иначе заявка истечёт и
деньги вернутся.</li>
<li><b>Проверка.</b> Заявку смотрит сотрудник. Крупную одобряют двое разных людей.</li>
<li><b>Отправка.</b> Перевод подписан и отправлен в сеть. С этого момента отменить его нельзя.</li>
<li><b>Завершение.</b> Сеть сделала перевод окончательным, списание закрыто.</li>
</ol>
<h2>Если что-то пошло не так</h2>
<ul>
<li><b>На удержании</b>: сотруднику нужны сведения или время. На странице заявки написано, до какого срока и что делать.</li>
<li><b>Отклонён</b>: на странице указана причина, деньги снова доступны.</li>
<li><b>Отменён</b>: вы передумали, деньги снова доступны.</li>
<li><b>Не прошёл</b>: сеть не провела перевод. Деньги вернутся, или мы отправим перевод заново.</li>
</ul>
<h2>Проверьте адрес</h2>
<p>Перевод в блокчейне нельзя отозвать. Мы проверим, что адрес написан без ошибки и подходит выбранной сети, но не можем знать,
чей он. Мошенники присылают мелкие переводы с адресов, похожих на ваши: не берите адрес из истории, не сверив его целиком.</p>
""",
        "body_en": """
<ol>
<li><b>Request.</b> Give the network, the address and the amount, check the summary, enter your password. The amount and its
fee are reserved.</li>
<li><b>Your confirmation.</b> We send you a mail. Open its link and press the button within an hour; otherwise the request
expires and the money is back.</li>
<li><b>Review.</b> A person looks at the request. A large one is approved by two different people.</li>
<li><b>Sending.</b> The payment is signed and goes to the network. From here on it cannot be cancelled.</li>
<li><b>Completed.</b> The network has made the payment final, and the debit is closed.</li>
</ol>
<h2>If something is wrong</h2>
<ul>
<li><b>On hold</b>: the reviewer needs information or time. The request's page says until when, and what to do.</li>
<li><b>Rejected</b>: the page gives the reason, and the money is available again.</li>
<li><b>Cancelled</b>: you changed your mind, and the money is available again.</li>
<li><b>Failed</b>: the network did not carry the payment out. The money comes back, or we send the payment anew.</li>
</ul>
<h2>Check the address</h2>
<p>A payment on a blockchain cannot be called back. We check that the address is written correctly and fits the network, but we
cannot know whose it is. Swindlers send tiny transfers from addresses that look like yours: never take an address from a
history without comparing all of it.</p>
""",
    },
    {
        "slug": "security",
        "title": "Security",
        "heading_ru": "Безопасность",
        "heading_en": "Security",
        "summary_ru": "Что делаем мы и что стоит сделать вам.",
        "summary_en": "What we do, and what you should do.",
        "body_ru": """
<h2>Что делаем мы</h2>
<ul>
<li>Ключи лежат только у отдельной программы-подписчика. Сайт их не видит и подписать ничего не может.</li>
<li>Подписчик сам сверяет каждый платёж с заявкой и одобрениями и отказывает, если что-то не сходится.</li>
<li>Записи о деньгах нельзя изменить или стереть: за этим следит сама база данных.</li>
<li>Каждое действие сотрудника записано: кто, когда и откуда.</li>
</ul>
<h2>Что стоит сделать вам</h2>
<ul>
<li>Возьмите длинный пароль, которого больше нигде нет.</li>
<li>Защитите почту: через неё подтверждаются выводы.</li>
<li>Не вводите пароль по ссылкам из писем, которых вы не ждали. Подтверждение вывода открывается только из письма о заявке,
которую вы сами создали.</li>
<li>Мы никогда не попросим пароль, ключ от кошелька или «проверочный» перевод.</li>
</ul>
""",
        "body_en": """
<h2>What we do</h2>
<ul>
<li>Keys are held only by a separate signing program. The website never sees them and cannot sign anything.</li>
<li>The signer checks each payment against the request and its approvals, and refuses when anything differs.</li>
<li>Records of money can be neither changed nor erased: the database itself sees to it.</li>
<li>Each action of our staff is recorded: who, when and from where.</li>
</ul>
<h2>What you should do</h2>
<ul>
<li>Use a long password that you use nowhere else.</li>
<li>Protect your mailbox: withdrawals are confirmed through it.</li>
<li>Never enter your password behind a link in a mail that you did not expect. A withdrawal is confirmed only from the mail
about a request that you made yourself.</li>
<li>We never ask for your password, a wallet's key or a “test transfer”.</li>
</ul>
""",
    },
    {
        "slug": "faq",
        "title": "Questions and answers",
        "heading_ru": "Вопросы и ответы",
        "heading_en": "Questions and answers",
        "summary_ru": "Коротко о том, что спрашивают чаще всего.",
        "summary_en": "Short answers to what is asked most often.",
        "body_ru": """
<h3>Я отправил USDT, а их не видно. Что делать?</h3>
<p>Посмотрите в кошельке, подтверждён ли перевод и в той ли он сети. Если прошло больше получаса, напишите в поддержку и
приложите хеш транзакции.</p>
<h3>Я отправил не ту сеть или не тот токен.</h3>
<p>Между Arbitrum One и BNB Smart Chain ошибиться не страшно: перевод найдётся. В остальных случаях напишите в поддержку, но
вернуть деньги получается не всегда.</p>
<h3>Почему вывод проверяет человек?</h3>
<p>Чтобы чужой, узнавший ваш пароль, не мог забрать всё за минуту. Обычно проверка занимает недолго.</p>
<h3>Можно ли отменить вывод?</h3>
<p>Да, пока на странице заявки есть кнопка «Отменить». После отправки в сеть отменить нельзя.</p>
<h3>Ссылка из письма не работает.</h3>
<p>Она действует час и срабатывает один раз. Если час прошёл, создайте заявку заново: деньги уже вернулись на баланс.</p>
<h3>В каком часовом поясе время?</h3>
<p>В вашем. Наведите курсор на время, и увидите его по UTC.</p>
""",
        "body_en": """
<h3>I sent USDT and cannot see them. What now?</h3>
<p>Look in your wallet whether the transfer is confirmed, and on which network. If half an hour has passed, write to support
and give the transaction's hash.</p>
<h3>I used the wrong network or the wrong token.</h3>
<p>Between Arbitrum One and BNB Smart Chain it does not matter: the transfer is found. In other cases write to support; the
money cannot always be recovered.</p>
<h3>Why does a person review withdrawals?</h3>
<p>So that a stranger who has learnt your password cannot take everything within a minute. It usually does not take long.</p>
<h3>Can I cancel a withdrawal?</h3>
<p>Yes, as long as its page shows “Cancel”. Not once it has been sent to the network.</p>
<h3>The link in the mail does not work.</h3>
<p>It is good for an hour and works once. If the hour is over, make the request again: the money is back on your balance.</p>
<h3>Which time zone is shown?</h3>
<p>Yours. Point at a time to see it in UTC.</p>
""",
    },
)
