"""The product's processes as the tests start them."""

from django.db import connection


def test_a_started_worker_takes_the_tests_own_database(product):
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, current_database()")
        assert cursor.fetchone() == ("exchequer_app", product.database.name)
    shown = product.manage("shell", "-c", "from django.db import connection; print(connection.settings_dict['NAME'])")
    assert product.database.name in shown.stdout


def test_the_web_process_is_given_no_key_material(product):
    assert "SIGNER_DATABASE_URL" not in product.environment()
    assert "SIGNER_PASSPHRASE" not in product.environment()
    assert "MIGRATION_DATABASE_URL" not in product.environment()


def test_a_worker_comes_up(product):
    assert product.worker().running()


def test_started_processes_are_guarded_too(product):
    code = (
        "import socket; from django.db import transaction\n"
        "with transaction.atomic(): socket.socket().connect(('127.0.0.1', 1))"
    )
    product.start("shell", "manage.py", "shell", "-c", code).process.wait(60)
    [log] = product.socket_violations()
    assert "SocketInsideTransaction" in log
    product.children.clear()
