#!/bin/sh
# Alembic's upgrade by itself and in a rehearsal.
. "$(dirname "$0")/../fidelity.sh"
python=/usr/bin/python3
$python -c 'import alembic, psycopg2' 2>/dev/null || skip "Alembic is not installed"

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
# alembic_migration NUMBER OPERATIONS
alembic_migration() {
    previous=$(($1 - 1))
    cat >"$work/alembic/versions/$1.py" <<PYTHON
import sqlalchemy as sa
from alembic import op
revision = "r$1"
down_revision = $([ "$previous" = 0 ] && echo None || echo "\"r$previous\"")
def upgrade():
    $2
PYTHON
}
alembic_migration 1 'op.create_table("orders", sa.Column("id", sa.Integer, primary_key=True), sa.Column("total", sa.Integer))'
alembic_migration 2 'op.execute("INSERT INTO orders (total) SELECT i FROM generate_series(1, 50) i")'
alembic_migration 3 'op.add_column("orders", sa.Column("remark", sa.Text))'
alembic_migration 4 'op.execute("UPDATE orders SET remark = 1 WHERE id % 7 = 0")'
alembic_migration 5 'with op.get_context().autocommit_block(): op.create_index("orders_remark", "orders", ["remark"], postgresql_concurrently=True)'
alembic_migration 6 'op.create_check_constraint("positive", "orders", "total > 0")'
alembic_migration 7 'op.alter_column("orders", "total", type_=sa.BigInteger)'
alembic_migration 8 'op.bulk_insert(sa.table("orders", sa.column("total")), [{"total": 1}, {"total": 2}])'
compare "exec $python -m alembic.config upgrade head"
