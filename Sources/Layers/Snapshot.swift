public import LinuxSystem
internal import SystemPackage

/// A state that was frozen as a layer: `DIR/snapshots/0001-NAME`.
public struct Snapshot: Sendable, Hashable {
    /// They lie on each other in this order.
    public var number: Int
    public var name: String

    public init(number: Int, name: String) {
        self.number = number
        self.name = name
    }

    /// Of its directory.
    public var directoryName: String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits + "-" + name
    }

    var fileName: FileName {
        get throws(Errno) {
            guard let name = FileName(directoryName) else { throw .invalidArgument }
            return name
        }
    }

    init?(directoryName: String) {
        let parts = directoryName.split(separator: "-", maxSplits: 1)
        guard parts.count == 2, parts[0].utf8.count >= 4, let number = Int(parts[0]), number > 0
        else { return nil }
        self.init(number: number, name: String(parts[1]))
    }

    /// - Throws: A sentence with what is allowed.
    public static func check(name: String) throws(Failure) {
        if !name.isPlainName || name.isEmpty || name.utf8.count > 200 {
            throw Failure(
                "invalid snapshot name \"\(name)\"; allowed are letters, digits and _ + - ., at most"
                    + " 200")
        }
    }
}
