import LinuxSystem
import Testing

@Suite struct `Capabilities` {
    @Test(
        arguments: [
            ("CAP_CHOWN", 0), ("CAP_DAC_OVERRIDE", 1), ("CAP_KILL", 5),
            ("CAP_NET_BIND_SERVICE", 10),
            ("CAP_NET_RAW", 13), ("CAP_SYS_ADMIN", 21), ("CAP_MKNOD", 27), ("CAP_SETFCAP", 31),
            ("CAP_CHECKPOINT_RESTORE", 40),
        ] as [(String, UInt64)])
    func `have names and bits`(_ name: String, _ bit: UInt64) {
        #expect(CapabilitySet(name: name)?.rawValue == 1 << bit)
    }

    @Test(arguments: [
        "", "CAP_", "CAP_FROB", "KILL", "cap_kill", "Cap_Kill", "CAP_KILL ", "CAP_KILL=ep", "5",
        "CAP_5", "0x5", "all", "CAP_KILL,CAP_CHOWN", "CAP_KILL+ep",
    ])
    func `are nothing but their names`(_ name: String) {
        #expect(CapabilitySet(name: name) == nil)
    }

    @Test func `are counted`() {
        let set: CapabilitySet = [
            CapabilitySet(name: "CAP_KILL") ?? [], CapabilitySet(name: "CAP_CHOWN") ?? [],
        ]
        #expect(set.count == 2)
        #expect(CapabilitySet().count == 0)
    }
}
