# Stands in for quartus_sh, qsys-script and qsys-generate, by the name that it is called by. The first runs a Tcl script
# as quartus_sh -t does; the second knows the commands of Platform Designer that make a system, and no others. All note
# what they did in fake.log of the current folder; FAKE_QUARTUS names a file that is sourced in the middle of a
# compilation.

set root [file dirname [file dirname [file normalize $argv0]]]
set called [file rootname [file tail $argv0]]

proc note {text} {
    set log [open fake.log a]
    puts $log $text
    close $log
}

proc quartus_sh {options} {
    global quartus root argv0
    if {[lindex $options 0] ne "-t"} { error "quartus_sh wants -t" }
    set quartus(quartus_rootpath) $root
    package provide ::quartus::project 1.0
    package provide ::quartus::flow 1.0
    proc project_open {name} {
        if {![file exists $name.qpf] || ![file exists $name.qsf]} { error "no project $name" }
        note "open $name"
    }
    proc project_close {} { note close }
    proc execute_flow {flag} {
        note "flow $flag"
        if {![file exists jtag_bridge/synthesis/jtag_bridge.qip]} { error "Error: jtag_bridge.qip is missing" }
        file mkdir output_files
        if {[info exists ::env(FAKE_QUARTUS)]} { source $::env(FAKE_QUARTUS) }
    }
    uplevel #0 [list source [lindex $options 1]]
}

proc qsys-script {options} {
    array set ::ports {}
    proc create_system {name} { set ::system $name }
    proc set_project_property {name value} { note "property $name $value" }
    proc add_instance {name kind} {
        if {$kind ni {clock_source altera_jtag_avalon_master}} { error "no component $kind" }
        set ::kinds($name) $kind
    }
    proc set_instance_parameter_value {name parameter value} {
        set known {
            clock_source {clockFrequency clockFrequencyKnown resetSynchronousEdges}
            altera_jtag_avalon_master {USE_PLI PLI_PORT FAST_VER FIFO_DEPTHS}
        }
        if {$parameter ni [dict get $known $::kinds($name)]} { error "no parameter $parameter" }
        note "parameter $::kinds($name) $parameter $value"
    }
    proc interface {path} {
        lassign [split $path .] name interface
        set known {clock_source {clk clk_reset clk_in clk_in_reset} altera_jtag_avalon_master {clk clk_reset master}}
        if {$interface ni [dict get $known $::kinds($name)]} { error "no interface $path" }
        return "$::kinds($name).$interface"
    }
    proc add_connection {from to} {
        regsub {/} $from " " from
        note "connect [interface $from] [interface $to]"
    }
    proc add_interface {name kind direction} { note "interface $name $kind $direction" }
    proc set_interface_property {name property path} { note "export $name [interface $path]" }
    proc save_system {file} {
        set out [open $file w]
        puts $out $::system
        close $out
    }
    if {![regexp {^--script=(.+)$} [lindex $options 0] match script]} { error "qsys-script wants --script" }
    proc package {args} { note "package $args" }
    uplevel #0 [list source $script]
}

proc qsys-generate {options} {
    note "generate $options"
    set system [file rootname [lindex $options 0]]
    if {![file exists $system.qsys]} { error "no $system.qsys" }
    file mkdir $system/synthesis
    close [open $system/synthesis/$system.qip w]
}

if {[catch {$called $argv} message]} {
    puts stderr "Error: $message"
    exit 3
}
