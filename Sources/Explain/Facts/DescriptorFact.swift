internal import LinuxSystem
internal import SystemPackage

/// An open file of a process that lies on a mount which its mount namespace does not have.
public struct DescriptorFact: Sendable {
    public var number: Int32
    /// The path as the kernel tells it to the caller.
    public var target: String
    public var isDirectory: Bool
    public var isWritable: Bool

    /// The most descriptors that are looked at.
    private static let mostDescriptors = 65536
    /// The most that are told.
    private static let mostTold = 64

    /// - Returns: Also how many descriptors there are; nil where they may not be looked at.
    static func outside(
        of process: borrowing ProcessDirectory, _ mounts: MountFacts, _ unknown: inout [String]
    ) -> (facts: [DescriptorFact], count: Int?) {
        let names: [String]
        do throws(Errno) {
            names = try process.names("fd")
        } catch {
            unknown.append("the open descriptors: \(error.words)")
            return ([], nil)
        }
        let ids = Set(mounts.all.map(\.id))
        var facts: [DescriptorFact] = []
        for number in names.prefix(mostDescriptors).compactMap({ Int32($0) }).sorted() {
            guard facts.count < mostTold, !mounts.isCut,
                let target = try? process.link("fd/\(number)"), isPath(target)
            else { continue }
            let info = ProcessStatus((try? process.read("fdinfo/\(number)", upTo: 4096)) ?? [])
            guard let mount = info["mnt_id"].flatMap({ Int($0) }), !ids.contains(mount) else {
                continue
            }
            let flags = info["flags"].flatMap { Int($0, radix: 8) } ?? 0
            facts.append(
                DescriptorFact(
                    number: number, target: target.printable(upTo: .longestName),
                    isDirectory: flags & 0o200000 != 0, isWritable: flags & 0o3 != 0))
        }
        return (facts, names.count)
    }

    /// Pipes and sockets have no place; memory files and what is mapped for sharing lie on mounts of
    /// the kernel that nobody has.
    private static func isPath(_ target: String) -> Bool {
        target.hasPrefix("/")
            && !["/memfd:", "/SYSV", "/dev/zero (deleted)"].contains { target.hasPrefix($0) }
    }

    /// A terminal or a device that holds nothing, as every engine passes them.
    var isHarmless: Bool {
        !isDirectory
            && (target.hasPrefix("/dev/pts/") || target.hasPrefix("/pts/")
                || ["/dev/null", "/dev/tty", "/dev/console", "/null"].contains(target))
    }
}
