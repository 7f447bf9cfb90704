"""Puts our home page and help centre in the place of Wagtail's welcome page."""

import json
import uuid

from django.db import migrations
from django.utils import timezone

from portal.cms.migrations._texts import HELP, HOME, PAGES, POINTS


def make_pages(apps, schema_editor):
    content_type = apps.get_model("contenttypes", "ContentType").objects
    page_model = apps.get_model("wagtailcore", "Page")
    site_model = apps.get_model("wagtailcore", "Site")
    locale = apps.get_model("wagtailcore", "Locale").objects.order_by("pk").first()
    now = timezone.now()

    def common(model, title, slug, path, url_path, children):
        kind, _ = content_type.get_or_create(app_label="cms", model=model)
        return {
            "title": title, "draft_title": title, "slug": slug, "content_type": kind, "path": path,
            "depth": len(path) // 4, "numchild": children, "url_path": url_path, "locale": locale, "live": True,
            "first_published_at": now, "last_published_at": now, "translation_key": uuid.uuid4(),
        }  # fmt: skip

    site_model.objects.all().delete()
    page_model.objects.filter(depth=2, slug="home", content_type__model="page").delete()
    root = page_model.objects.get(depth=1)
    taken = page_model.objects.filter(depth=2).order_by("-path").values_list("path", flat=True).first()
    path = f"{root.path}{int(taken[4:], 36) + 1 if taken else 1:04d}"
    home = apps.get_model("cms", "HomePage").objects.create(
        **common("homepage", HOME["title"], "home", path, "/home/", 1),
        heading_ru=HOME["heading_ru"], heading_en=HOME["heading_en"],
        summary_ru=HOME["summary_ru"], summary_en=HOME["summary_en"],
        points_ru=points("ru"), points_en=points("en"),
    )  # fmt: skip
    page_model.objects.filter(pk=root.pk).update(numchild=page_model.objects.filter(depth=2).count())
    apps.get_model("cms", "HelpIndexPage").objects.create(
        **common("helpindexpage", HELP["title"], HELP["slug"], f"{path}0001", "/home/help/", len(PAGES)),
        **{name: text for name, text in HELP.items() if name not in {"title", "slug"}},
    )
    for number, texts in enumerate(PAGES, start=1):
        url_path = f"/home/help/{texts['slug']}/"
        apps.get_model("cms", "HelpPage").objects.create(
            **common("helppage", texts["title"], texts["slug"], f"{path}0001{number:04d}", url_path, 0),
            **{
                name: " ".join(text.split()) if isinstance(text, str) else text
                for name, text in texts.items()
                if name not in {"title", "slug"}
            },
        )
    site_model.objects.create(hostname="localhost", site_name="Exchequer", root_page=home, is_default_site=True)


def points(language):
    return json.dumps(
        [
            {
                "type": "point",
                "id": str(uuid.uuid4()),
                "value": {"icon": point["icon"], "title": point[language][0], "text": point[language][1]},
            }
            for point in POINTS
        ]
    )


class Migration(migrations.Migration):
    dependencies = [
        ("cms", "0001_initial"),
        ("wagtailcore", "0098_apitoken"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(make_pages, migrations.RunPython.noop)]
