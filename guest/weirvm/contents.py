# SPDX-License-Identifier: BSD-3-Clause
"""What every guest has in its root file system, besides what a run brings along."""

# Programs of this machine, with the Debian package each comes from. Their libraries follow by themselves.
PROGRAMS = {
    "/bin/busybox": "busybox-static",
    "/bin/dash": "dash",
    "/bin/bash": "bash",
    "/bin/ip": "iproute2",
    "/bin/ss": "iproute2",
    "/sbin/bridge": "iproute2",
    "/sbin/devlink": "iproute2",
    "/sbin/tc": "iproute2",
    "/sbin/dcb": "iproute2",
    "/usr/sbin/ethtool": "ethtool",
    "/usr/bin/iperf3": "iperf3",
    "/usr/bin/lspci": "pciutils",
    "/usr/bin/setpci": "pciutils",
    "/usr/bin/tcpdump": "tcpdump",
}

# Files that programs read or load while they run.
FILES = {
    "/lib/x86_64-linux-gnu/libgcc_s.so.1": "libgcc-s1",
    "/usr/share/misc/pci.ids": "pci.ids",
}

# Modules that guests load, where the kernel has them; what they depend on follows by itself.
MODULES = """
    virtio_pci virtio_net virtio_blk 9pnet_virtio 9p
    e1000e igb igbvf
    vfio vfio_pci vfio_iommu_type1 pci_pf_stub pci_stub uio uio_pci_generic
    macvlan macvtap ipvlan veth dummy bonding team bridge 8021q tun vxlan geneve vrf netdevsim
    sctp af_packet_diag tcp_diag udp_diag packet_diag
    sch_ingress sch_htb sch_tbf sch_fq sch_prio sch_mqprio sch_netem sch_etf cls_flower cls_u32 cls_matchall cls_bpf
    act_mirred act_gact act_vlan act_skbedit act_police act_csum
    br_netfilter pktgen tcp_bbr
    crc32c_generic crc32c_intel
    weir weirvf
""".split()

# Small files, made here.
TEXTS = {
    # tcpdump changes to the user it was built for: in a guest that is root, so that it can write where the job says.
    "/etc/passwd": "root:x:0:0:root:/root:/bin/sh\ntcpdump:x:0:0::/root:/bin/false\nnobody:x:65534:65534::/:/bin/false\n",
    "/etc/group": "root:x:0:\ntcpdump:x:0:\nnogroup:x:65534:\n",
    "/etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n",
    "/etc/protocols": "icmp 1 ICMP\ntcp 6 TCP\nudp 17 UDP\nipv6-icmp 58 IPv6-ICMP\nsctp 132 SCTP\n",
    "/etc/profile": "PS1='guest:\\w# '\nexport PS1\n",
}

DIRECTORIES = """
    /dev /proc /sys /run /tmp /root /mnt /etc /var/run /var/lib /job /results /share
    /usr/bin /usr/sbin /usr/lib /usr/lib64 /usr/share
""".split()

# Debian's merged layout.
LINKS = {"/bin": "usr/bin", "/sbin": "usr/sbin", "/lib": "usr/lib", "/lib64": "usr/lib64"}
