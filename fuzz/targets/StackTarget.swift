import LinuxSystem
import SystemPackage

@testable import ContainerRuntime

/// Feeds a directory of systemd.mstack(7) to the code that finds its layers. The input is a list of
/// pairs, the type and the name of an entry.
func readStack(_ bytes: [UInt8]) {
    let scratch = Scratch()
    var input = InputReader(bytes)
    var names: [String] = []
    do throws(Errno) {
        try HostPath.makeDirectory("\(scratch.inside)/x.mstack", mode: 0o755)
        let stack = try scratch.directory("inside/x.mstack")
        for _ in 0..<30 where !input.isAtEnd {
            let kind = input.number(below: 6)
            guard let name = FileName(input.bytes()) else { continue }
            names.append(name.text)
            try? make(kind, name, in: stack.borrowed)
        }
    } catch {
        fatalError("the scratch directory: \(error)")
    }
    do throws(Failure) {
        let found = try LayerNames(bundle: scratch.inside).directories("x.mstack")
        precondition(found.allSatisfy { $0.hasPrefix("\(scratch.inside)/x.mstack/") })
    } catch {
        checkRefused(error.message)
    }
    checkOrder(names)
}

private func make(_ kind: Int, _ name: FileName, in stack: FileDescriptor) throws(Errno) {
    switch kind {
    case 0: try stack.makeDirectory(name, mode: 0o755)
    case 1: try stack.makeSymbolicLink(name, to: Array("../../outside".utf8))
    case 2: try stack.makeNode(name, mode: 0o010644, device: DeviceNumber(major: 0, minor: 0))
    case 3: _ = try stack.open(name, [.create, .exclusive, .writeOnly], mode: 0o644)
    case 4:
        try stack.makeDirectory(name, mode: 0o755)
        let inner = try stack.open(name, [.readOnly, .directory])
        try inner.borrowed.makeDirectory("data", mode: 0o755)
    default:
        try stack.makeDirectory(name, mode: 0o755)
        let inner = try stack.open(name, [.readOnly, .directory])
        let data: FileName = "data"
        try inner.borrowed.makeSymbolicLink(data, to: Array("../../../outside".utf8))
    }
}

/// The comparison that sorts must be an order.
private func checkOrder(_ names: [String]) {
    let isOlder = LayerNames.isOlder
    for one in names.prefix(6) {
        precondition(!isOlder(one, one))
        for other in names.prefix(6) {
            precondition(!(isOlder(one, other) && isOlder(other, one)), "\(one), \(other)")
            for third in names.prefix(6) where isOlder(one, other) && isOlder(other, third) {
                precondition(isOlder(one, third), "\(one), \(other), \(third)")
            }
        }
    }
}
