#!/bin/sh
# Real frameworks as they are: Alembic, Django and Sqitch, each where it is installed.
. "$(dirname "$0")/lib.sh"
PATH=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1):$PATH
export PATH PYTHONDONTWRITEBYTECODE=1
ran=
# Debian's modules are Debian's Python's.
python=python3
[ ! -x /usr/bin/python3 ] || python=/usr/bin/python3

fact 'Alembic'
if $python -c 'import alembic, psycopg2' 2>/dev/null; then
    ran="$ran alembic"
    mkdir -p "$work/alembic/versions"
    printf '[alembic]\nscript_location = alembic\n' >"$work/alembic.ini"
    cat >"$work/alembic/env.py" <<'PYTHON'
import os
from alembic import context
from sqlalchemy import create_engine

with create_engine(os.environ["DATABASE_URL"]).connect() as connection:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
PYTHON
    cat >"$work/alembic/versions/1.py" <<'PYTHON'
import sqlalchemy as sa
from alembic import op
revision = "one"
down_revision = None
def upgrade():
    op.add_column("orders", sa.Column("remark", sa.Text))
    op.execute("UPDATE orders SET remark = 'seen' WHERE id % 7 = 0")
def downgrade():
    op.drop_column("orders", "remark")
PYTHON
    cat >"$work/alembic/versions/2.py" <<'PYTHON'
from alembic import op
revision = "two"
down_revision = "one"
def upgrade():
    with op.get_context().autocommit_block():
        op.create_index("orders_remark", "orders", ["remark"], postgresql_concurrently=True)
def downgrade():
    op.drop_index("orders_remark")
PYTHON
    scenario "migrations: {framework: command, command: [$python, -m, alembic.config, upgrade, head], down: [$python, -m, alembic.config, downgrade, base]}"
    rehearse 0 --pass quiet --pass loaded
    valid_report
    report "[s['command_tag'] for s in r['migrations'][0]['statements'] if s['class'] in ('catalog', 'index_concurrent')] == ['CREATE TABLE', 'ALTER TABLE', 'CREATE INDEX']"
    report "any('seen' in str(s) for s in r['migrations'][0]['statements']) is False" # redacted
    report "any(s['command_tag'] == 'ALTER TABLE' and ('public.orders', 'AccessExclusiveLock') in [(l['relation'], l['mode']) for l in s['locks']] for s in r['migrations'][0]['statements'])"
    report "all({run['pass'] for run in s['runs']} == {'quiet', 'loaded'} for s in r['migrations'][0]['statements'] if 'orders' in s['sql'])"
    report "[d['object'] for d in r['migrations'][0]['rollback']['differences'] if 'alembic_version' not in d['object']] == []"
    nothing_left
fi

fact 'Django'
if $python -c 'import django, psycopg2' 2>/dev/null; then
    ran="$ran django"
    mkdir -p "$work/shop/migrations"
    touch "$work/shop/__init__.py" "$work/shop/migrations/__init__.py"
    cat >"$work/settings.py" <<'PYTHON'
import os
INSTALLED_APPS = ["shop"]
SECRET_KEY = "x"
USE_TZ = True
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": os.environ["PGDATABASE"], "USER": os.environ["PGUSER"],
                         "HOST": os.environ["PGHOST"], "PORT": os.environ["PGPORT"]}}
PYTHON
    cat >"$work/shop/migrations/0001_initial.py" <<'PYTHON'
from django.db import migrations, models
class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.CreateModel("Parcel", [("id", models.AutoField(primary_key=True)), ("weight", models.IntegerField(db_index=True))]),
        migrations.RunSQL("ALTER TABLE orders ADD COLUMN parcel integer", "ALTER TABLE orders DROP COLUMN parcel"),
    ]
PYTHON
    cat >"$work/shop/migrations/0002_fill.py" <<'PYTHON'
from django.db import migrations
def fill(apps, editor):
    Parcel = apps.get_model("shop", "Parcel")
    Parcel.objects.bulk_create([Parcel(weight=i) for i in range(500)])
    Parcel.objects.filter(weight__gt=100).update(weight=7)
class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
PYTHON
    printf '#!/bin/sh\nDJANGO_SETTINGS_MODULE=settings exec %s -m django "$@"\n' "$python" >"$work/manage.sh"
    chmod 755 "$work/manage.sh"
    scenario 'migrations: {framework: command, command: [./manage.sh, migrate], down: [./manage.sh, migrate, shop, zero]}'
    rehearse 0 --pass quiet --pass loaded
    valid_report
    report "{'CREATE TABLE', 'ALTER TABLE', 'CREATE INDEX', 'INSERT 0 500', 'UPDATE 399', 'COMMIT'} <= {s['command_tag'] for s in r['migrations'][0]['statements']}"
    report "all(len(s['runs']) == 2 for s in r['migrations'][0]['statements'])" # the same statements in every pass, timestamps apart
    report "[d['object'] for d in r['migrations'][0]['rollback']['differences'] if 'django_' not in d['object']] == []"
    nothing_left
fi

fact 'Sqitch'
if command -v sqitch >/dev/null && perl -MDBD::Pg -e1 2>/dev/null; then
    ran="$ran sqitch"
    mkdir -p "$work/deploy" "$work/revert" "$work/verify"
    printf '[core]\n\tengine = pg\n[user]\n\tname = Tester\n\temail = tester@example.org\n' >"$work/sqitch.conf"
    printf '%%syntax-version=1.0.0\n%%project=shop\n\nremark 2024-01-02T03:04:05Z Tester <tester@example.org> # adds it\n' >"$work/sqitch.plan"
    echo 'BEGIN; ALTER TABLE orders ADD COLUMN remark text; COMMIT;' >"$work/deploy/remark.sql"
    echo 'BEGIN; ALTER TABLE orders DROP COLUMN remark; COMMIT;' >"$work/revert/remark.sql"
    echo 'SELECT remark FROM orders WHERE false;' >"$work/verify/remark.sql"
    scenario 'migrations: {framework: command, command: [sqitch, deploy, --verify], down: [sqitch, revert, -y]}'
    rehearse 0 --pass quiet
    valid_report
    report "any(s['sql'].startswith('ALTER TABLE orders ADD COLUMN') and len(s['runs']) == 1 for s in r['migrations'][0]['statements'])"
    report "len(r['migrations'][0]['statements']) > 30" # its registry
    report "[d['object'] for d in r['migrations'][0]['rollback']['differences'] if 'sqitch' not in d['object']] == []"
    nothing_left
fi

[ -n "$ran" ] || skip "neither Alembic nor Django nor Sqitch is installed"
echo "ran:$ran"
