internal import LinuxSystem
internal import OCISpec
internal import SystemPackage

/// A device of `linux.devices`, anywhere in the tree.
struct MakeDevice: ContainerStep {
    static let manual = StepManual(
        "make a device",
        what: "Makes a node of linux.devices, or binds the host's in a user namespace.",
        why: """
            After the mounts, in one of which it may lie. A name that exists must be the same \
            device.
            """,
        calls: "openat2, mknodat, fchmodat, fchownat")

    let device: Configuration.Device
    /// The host's of that path is bound, where none may be made.
    var binds = false

    var summary: String {
        let mode = String(device.mode, radix: 8)
        let number = device.kind == .fifo ? "" : " \(device.number)"
        return
            "\(binds && device.kind != .fifo ? "bind" : "make") the device \(device.path) (\(device.kind.rawValue)\(number), 0\(mode))"
    }
    var needs: Provisions { [.root] }

    func shell(_ commands: inout ShellCommands) {
        let place = ShellWord.path(device.path)
        if binds && device.kind != .fifo {
            return commands.run("host_device", .value(device.path), place)
        }
        let mode = ShellWord.value(String(device.mode, radix: 8))
        if device.kind == .fifo {
            commands.run("mkfifo", "-m", mode, place)
        } else {
            commands.run(
                "device", .value(device.kind.rawValue), .value("\(device.number.major)"),
                .value("\(device.number.minor)"), place, mode)
        }
        commands.run(
            "chown", .value("\(device.userID):\(device.groupID)"), place)
    }

    func apply(_ context: ContainerContext) throws(Failure) {
        let place = try context.place(device.path)
        let parent = try attempt(
            "openat2", on: device.path,
            advice: { $0 == .fileNameTooLong ? LinkPolicy.tooLong : nil }, try place.makeParent())
        var node = DeviceNode(kind: device.kind, number: device.number, mode: device.mode)
        node.userID = device.userID
        node.groupID = device.groupID
        if binds && device.kind != .fifo {
            try node.bind(device.path, to: parent.name, in: parent.directory.borrowed)
        } else {
            try node.make(parent.name, in: parent.directory.borrowed)
        }
    }
}
