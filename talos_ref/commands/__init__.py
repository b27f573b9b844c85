"""What the commands of ``python -m talos_ref`` do: from their options to lines of output."""
