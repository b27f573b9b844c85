"""Templates of Quartus's settings (QSF) and timing constraints (SDC), which the platform renders.

The names are those of the Quartus Prime Standard Settings File Reference Manual and of the Timing Analyzer's Tcl API.
"""

from __future__ import annotations

__all__ = ["JTAG_SDC", "QSF", "SDC", "TCK_NS"]

TCK_NS = 41.667
"""Period of TCK: the USB-Blaster II on the board drives it with at most 24 MHz."""

QSF = """\
set_global_assignment -name FAMILY "Cyclone V"
set_global_assignment -name DEVICE {{platform.device}}{{platform.package}}{{platform.speed}}
set_global_assignment -name TOP_LEVEL_ENTITY {{name}}
set_global_assignment -name PROJECT_OUTPUT_DIRECTORY output_files
set_global_assignment -name VERILOG_FILE {{name}}.v
{{get_override("add_settings")|default("# (add_settings placeholder)")}}
# Named here, since a constraints file in a QIP stops Quartus from finding this one by its name.
set_global_assignment -name SDC_FILE {{name}}.sdc

set_global_assignment -name NUM_PARALLEL_PROCESSORS ALL
set_global_assignment -name OPTIMIZATION_MODE "HIGH PERFORMANCE EFFORT"
set_global_assignment -name FITTER_EFFORT "STANDARD FIT"

# Every product is a DSP block that the Verilog instantiates. Balancing may make logic of blocks, or give them other
# modes; "DSP BLOCKS" leaves them what they are.
set_global_assignment -name DSP_BLOCK_BALANCING "DSP BLOCKS"
# A product that Quartus infers takes a block of its own, and all but one are spoken for: there is none to find.
set_global_assignment -name AUTO_DSP_RECOGNITION OFF
# Every memory says which block it is to be; logic for want of blocks is to be an error, not a change of mind.
set_global_assignment -name AUTO_RAM_TO_LCELL_CONVERSION OFF

# Pins that the project does not use lead to parts of the board that may drive them.
set_global_assignment -name RESERVE_ALL_UNUSED_PINS_WEAK_PULLUP "AS INPUT TRI-STATED WITH WEAK PULL-UP"
set_global_assignment -name STRATIX_DEVICE_IO_STANDARD "3.3-V LVTTL"
{% for port_name, pin_name, attrs in platform.iter_port_constraints_bits() -%}
set_location_assignment PIN_{{pin_name}} -to {{port_name}}
{% for key, value in attrs.items() -%}
set_instance_assignment -name {{key|upper}} {{value|tcl_quote}} -to {{port_name}}
{% endfor -%}
{% endfor -%}
"""

SDC = """\
{% for port, frequency in platform.iter_port_clock_constraints() -%}
create_clock -name {{port.name}} -period {{"%.3f"|format(1000000000/frequency)}} [get_ports { {{-port.name-}} }]
{% endfor -%}
derive_pll_clocks
derive_clock_uncertainty

# Switches are asynchronous and go into synchronizers; nothing samples LEDs and displays but an eye.
set_false_path -from [get_ports { {{-platform.port_names("switch")|join(" ")-}} }]
set_false_path -to [get_ports { {{-(platform.port_names("led") + platform.port_names("display_7seg"))|join(" ")-}} }]
{% if platform.port_names("uart") -%}
# A serial line has no clock: its receiver has a synchronizer, and its far end samples in a time of its own.
set_false_path -from [get_ports {uart_0__rx__io}]
set_false_path -to [get_ports {uart_0__tx__io}]
{% endif -%}
{{get_override("add_constraints")|default("# (add_constraints placeholder)")}}
"""

JTAG_SDC = f"""\

# JTAG, whose ports Quartus adds with the bridge. TCK has no relation to any other clock; the bridge's own synchronizers
# cross over. TDI, TMS and TDO are timed by the JTAG host, of which the board's manual gives no figures.
if {{[get_collection_size [get_ports -nowarn altera_reserved_tck]] > 0}} {{
    create_clock -name altera_reserved_tck -period {TCK_NS} [get_ports altera_reserved_tck]
    set_clock_groups -asynchronous -group [get_clocks altera_reserved_tck]
    set_false_path -from [get_ports {{altera_reserved_tdi altera_reserved_tms}}]
    set_false_path -to [get_ports altera_reserved_tdo]
}}
"""
"""What the constraints file has to say of a design with a JTAG bridge."""
