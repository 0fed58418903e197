from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("inspection", "0004_device")]

    operations = [
        migrations.AddField(
            model_name="inspection",
            name="trace_id",
            field=models.CharField(blank=True, max_length=32),
        ),
        migrations.AddIndex(
            model_name="inspection",
            index=models.Index(fields=["trace_id"], name="inspection_trace"),
        ),
    ]
