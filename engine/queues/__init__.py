"""What is due and what is owed: jobs, who holds them, things to be sent, what could not be done."""
