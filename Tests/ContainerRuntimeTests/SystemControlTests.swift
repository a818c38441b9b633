import OCISpec
import Testing

@testable import ContainerRuntime

@Suite struct `Kernel parameters` {
    static let paths: [(name: String, path: String?)] = [
        ("net.ipv4.ip_forward", "net/ipv4/ip_forward"),
        ("net/ipv4/ip_forward", "net/ipv4/ip_forward"),
        ("kernel.hostname", "kernel/hostname"),
        // The first separator decides, the other one stands for it in a name.
        ("net.ipv4.conf.eth0/1.forwarding", "net/ipv4/conf/eth0.1/forwarding"),
        ("net/ipv4/conf/eth0.1/forwarding", "net/ipv4/conf/eth0.1/forwarding"),
        ("", nil), ("kernel", nil), (".", nil), ("/", nil), ("..", nil),
        ("kernel..hostname", nil), (".kernel.hostname", nil), ("kernel.hostname.", nil),
        ("/kernel/hostname", nil), ("kernel//hostname", nil), ("kernel/../vm/swappiness", nil),
        ("net/../kernel/core_pattern", nil), ("net/./ipv4", nil),
        ("net.//.kernel", nil), ("net.ipv4./", nil),
    ]

    @Test(arguments: paths)
    func `have a path below proc sys, and never one that leads out`(
        _ row: (name: String, path: String?)
    ) {
        #expect(SystemControl.path(row.name) == row.path)
    }

    static let owners: [(path: String, owner: Spec.Linux.Namespace.Kind?)] = [
        ("net/core/somaxconn", .network), ("net", nil), ("netx/y", nil),
        ("fs/mqueue/msg_max", .ipc), ("fs/file-max", nil), ("kernel/sem", .ipc),
        ("kernel/msgmax", .ipc), ("kernel/msgmnb", .ipc), ("kernel/msgmni", .ipc),
        ("kernel/shmall", .ipc), ("kernel/shmmax", .ipc), ("kernel/shmmni", .ipc),
        ("kernel/shm_rmid_forced", .ipc), ("kernel/semx", nil), ("kernel/domainname", .uts),
        ("user/max_user_namespaces", .user), ("users/x", nil),
        ("kernel/hostname", .uts), ("kernel/core_pattern", nil), ("vm/swappiness", nil),
    ]

    @Test(arguments: owners)
    func `belong to a namespace or to the host`(
        _ row: (path: String, owner: Spec.Linux.Namespace.Kind?)
    ) {
        #expect(SystemControl.owner(row.path) == row.owner)
    }
}
