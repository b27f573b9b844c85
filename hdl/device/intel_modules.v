// Modules of Intel's that the bridge of TALOS-V2 instantiates: their ports and parameters alone.

(* blackbox *)
module altera_std_synchronizer (input clk, input reset_n, input din, output dout);
  parameter depth = 3;
endmodule

(* blackbox *)
module scfifo (
    input aclr, input clock, input rdreq, input wrreq, input [35:0] data, output empty, output full, output [35:0] q
);
  parameter add_ram_output_register = "OFF";
  parameter lpm_numwords = 2;
  parameter lpm_showahead = "OFF";
  parameter lpm_type = "scfifo";
  parameter lpm_width = 36;
  parameter lpm_widthu = 1;
  parameter overflow_checking = "ON";
  parameter underflow_checking = "ON";
  parameter use_eab = "ON";
endmodule

(* blackbox *)
module sld_virtual_jtag_basic (
    input [2:0] ir_out, input tdo, output tdi, output tck, output [2:0] ir_in,
    output virtual_state_cdr, output virtual_state_cir, output virtual_state_e1dr, output virtual_state_e2dr,
    output virtual_state_pdr, output virtual_state_sdr, output virtual_state_udr, output virtual_state_uir,
    output jtag_state_cdr, output jtag_state_cir, output jtag_state_e1dr, output jtag_state_e1ir,
    output jtag_state_e2dr, output jtag_state_e2ir, output jtag_state_pdr, output jtag_state_pir,
    output jtag_state_rti, output jtag_state_sdr, output jtag_state_sdrs, output jtag_state_sir,
    output jtag_state_sirs, output jtag_state_tlr, output jtag_state_udr, output jtag_state_uir, output tms
);
  parameter sld_auto_instance_index = "YES";
  parameter sld_instance_index = 0;
  parameter sld_ir_width = 3;
  parameter sld_mfg_id = 0;
  parameter sld_sim_action = "";
  parameter sld_sim_n_scan = 0;
  parameter sld_sim_total_length = 0;
  parameter sld_type_id = 0;
  parameter sld_version = 0;
endmodule
