"""PostgreSQL: the embedded server, connections, migrations, and what is kept there."""
