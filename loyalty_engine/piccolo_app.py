"""What Piccolo needs to know of our tables: their app's name and where the migrations are."""

from __future__ import annotations

from pathlib import Path

from piccolo.conf.apps import AppConfig, table_finder

APP_CONFIG = AppConfig(
    app_name="loyalty_engine",
    migrations_folder_path=str(Path(__file__).parent / "migrations"),
    table_classes=table_finder(modules=["loyalty_engine.tables"]),
    migration_dependencies=[],
    commands=[],
)
