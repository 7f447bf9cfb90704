"""An entry's time lies between 2020 and 2200: a year before Christ is written as one after it, and reads as nothing."""

import datetime as dt

from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # validating takes no lock that writers wait for, if it is a transaction of its own
    dependencies = [("accounts", "0010_linking_passes_nothing_by")]
    operations = [
        AddConstraintNotValid(
            model_name="activitylog",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("at__gte", dt.datetime(2020, 1, 1, tzinfo=dt.UTC)),
                    ("at__lt", dt.datetime(2200, 1, 1, tzinfo=dt.UTC)),
                ),
                name="activity_at_in_range",
            ),
        ),
        ValidateConstraint(model_name="activitylog", name="activity_at_in_range"),
    ]
