"""Django's SQLite for many processes that write: a database `ENGINE`."""
