"""What ``thongsuot`` can be told, beside serving: `webapi.cli` puts it together."""
