import Testing

@testable import ContainerRuntime

@Suite struct `Control group hierarchies` {
    @Test func `of a unified host there is none of version 1`() {
        let layout = ControlGroupLayout("0::/user.slice\n", unified: true)
        #expect(layout.version1.isEmpty)
        #expect(layout.isUnified)
    }

    @Test func `of version 1 keep their controllers together`() {
        let text = """
            12:cpu,cpuacct:/a
            11:memory:/a:b
            1:name=systemd:/
            0::/
            """
        let layout = ControlGroupLayout(text, unified: false)
        #expect(layout.version1 == [["cpu", "cpuacct"], ["memory"], ["name=systemd"]])
        #expect(!layout.isUnified)
    }

    @Test(arguments: ["", "\n\n", "nonsense", "1:cpu", "::"])
    func `in a file that says nothing are none`(_ text: String) {
        #expect(ControlGroupLayout(text, unified: false).version1.isEmpty)
    }

    @Test func `of this host can be read`() throws {
        let layout = try ControlGroupLayout.read()
        #expect(layout.isUnified || !layout.version1.isEmpty)
    }
}
