import JSON
import LinuxSystem
import Seccomp

@testable import Explain

/// Feeds bytes to the readers of what a process tells of itself: its mounts, its status, its seccomp
/// filters. The first byte, a digit, selects the reader; the pages of what was found have to be printable.
func readProcess(_ bytes: [UInt8]) {
    guard let kind = bytes.first else { return }
    let content = Array(bytes.dropFirst())
    var found = Explanation(title: "a process")
    for kind in NamespaceKind.all {
        found.namespaces.append(NamespaceFact(kind: kind.name, isOwn: kind.name == "mount"))
    }
    switch kind {
    case UInt8(ascii: "0"):
        found.mounts = MountFacts(content, host: MountTable(content))
    case UInt8(ascii: "1"):
        let status = ProcessStatus(content)
        found.capabilities = CapabilityFacts(status)
        found.identity.user = status.users.first
        found.seccomp = SeccompFacts(status)
    case UInt8(ascii: "2"):
        guard let stack = FilterStack(filters(content)) else { return }
        found.seccomp.mode = .filter
        found.seccomp.take(stack, "read from the process")
    default: return
    }
    for columns in [40, 80] { check(found.text(columns: columns), columns) }
    let text = found.json.compactText
    precondition((try? JSONDocument(Array(text.utf8))) != nil)
    _ = found.json(path: "/proc/sys").compactText
}

/// Each a byte with the number of its instructions, and these.
private func filters(_ bytes: [UInt8]) -> [SeccompFilter] {
    var filters: [SeccompFilter] = []
    var rest = bytes[...]
    while let count = rest.popFirst(), filters.count < 16 {
        let program = Array(rest.prefix(Int(count) * 8))
        rest = rest.dropFirst(program.count)
        filters.append(SeccompFilter(program: program, flags: 0))
    }
    return filters
}

private func check(_ text: String, _ columns: Int) {
    for line in text.split(separator: "\n") {
        if line.count > columns { print("longer than \(columns): \(line)") }
        precondition(line.count <= columns)
        precondition(line.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f })
    }
}
