"""Facts of the devices, and what a circuit needs of one."""
