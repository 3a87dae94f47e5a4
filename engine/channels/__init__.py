"""The ways in beside the form and the API: calls, chats, letters, and the files that come with them."""
