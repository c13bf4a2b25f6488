#!/bin/sh
# Django's migrate by itself and in a rehearsal.
. "$(dirname "$0")/../fidelity.sh"
python=/usr/bin/python3
$python -c 'import django, psycopg2' 2>/dev/null || skip "Django is not installed"

mkdir -p "$work/shop/migrations"
touch "$work/shop/__init__.py" "$work/shop/migrations/__init__.py"
cat >"$work/settings.py" <<'PYTHON'
import os
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "shop"]
SECRET_KEY = "x"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": os.environ["PGDATABASE"], "USER": os.environ["PGUSER"],
                         "HOST": os.environ["PGHOST"], "PORT": os.environ["PGPORT"]}}
PYTHON
# migration NAME PREVIOUS OPERATIONS [ATTRIBUTE]
django_migration() {
    depends=${2:+"(\"shop\", \"$2\")"}
    cat >"$work/shop/migrations/$1.py" <<PYTHON
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
def fill(apps, editor):
    Parcel = apps.get_model("shop", "Parcel")
    Parcel.objects.bulk_create([Parcel(weight=i) for i in range(50)])
    Parcel.objects.filter(weight__gt=10).update(weight=7)
class Migration(migrations.Migration):
    dependencies = [$depends]
    ${4:-}
    operations = [$3]
PYTHON
}
django_migration 0001_initial '' 'migrations.CreateModel("Parcel", [("id", models.AutoField(primary_key=True)), ("weight", models.IntegerField(db_index=True))])'
django_migration 0002_fill 0001_initial 'migrations.RunPython(fill, migrations.RunPython.noop)'
django_migration 0003_note 0002_fill 'migrations.AddField("Parcel", "note", models.TextField(null=True))'
django_migration 0004_label 0003_note 'migrations.AddField("Parcel", "label", models.CharField(max_length=20, default="none"))'
django_migration 0005_index 0004_label 'AddIndexConcurrently("Parcel", models.Index(fields=["note"], name="parcel_note"))' 'atomic = False'
django_migration 0006_sql 0005_index 'migrations.RunSQL("UPDATE shop_parcel SET note = label; CREATE TABLE plain (i int)")'
django_migration 0007_route 0006_sql 'migrations.CreateModel("Route", [("id", models.AutoField(primary_key=True)), ("parcel", models.ForeignKey("shop.Parcel", on_delete=models.CASCADE))])'
django_migration 0008_big 0007_route 'migrations.AlterField("Parcel", "weight", models.BigIntegerField())'
compare "DJANGO_SETTINGS_MODULE=settings exec $python -m django migrate"
