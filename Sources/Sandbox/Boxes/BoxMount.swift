public import LinuxSystem
internal import SystemPackage

/// A mount of a box: a rule of it, with its source found on the host.
public struct BoxMount: Sendable, Hashable {
    enum Kind: Sendable, Hashable {
        /// A directory of the host, absolute, without links.
        case bind(String)
        case fileSystem(String)
        case devices
    }

    /// In the box, absolute.
    let place: String
    let kind: Kind
    private let options: DirectoryRule.Options

    /// The directory of the host that the program may write to, if it is one.
    var writableSource: String? {
        if case .bind(let source) = kind, options.contains(.writable) { source } else { nil }
    }

    /// Finds the sources of rules. Directories that a rule makes are made in the box.
    public static func find(
        _ rules: [DirectoryRule], for box: Box
    ) throws(Failure) -> [BoxMount] {
        var found: [BoxMount] = []
        for rule in rules {
            guard let kind = try kind(rule, box) else { continue }
            found.append(BoxMount(place: rule.place, kind: kind, options: rule.options))
        }
        return found
    }

    /// Nil where it is left out.
    private static func kind(_ rule: DirectoryRule, _ box: Box) throws(Failure) -> Kind? {
        let path: String
        switch rule.source {
        case .devices: return .devices
        case .fileSystem(let type): return .fileSystem(type)
        case .nothing: return nil
        case .temporary(let name): path = try box.temporaryDirectory(name)
        case .box(let inner): path = "\(box.path)/\(inner)"
        case .host(let outer): path = outer
        }
        do throws(Errno) {
            let real = try HostPath.real(path)
            // A program of an earlier run may have made links there.
            if case .box(let inner) = rule.source,
                real != HostPath.cleaned(try HostPath.real(box.path) + "/" + inner)
            {
                throw .tooManySymbolicLinkLevels
            }
            if try FileStatus.of(path: real).kind == .directory { return .bind(real) }
            if rule.options.contains(.optional) { return nil }
            throw .notDirectory
        } catch .noSuchFileOrDirectory where rule.options.contains(.optional) {
            return nil
        } catch {
            throw Failure(
                "open", path.inQuotes, error,
                advice: "the rule for \(rule.place) names it; leave the rule out with"
                    + " --dir=\(rule.place)=, or add :maybe")
        }
    }

    /// - Parameter mapsIDs: Whether a directory of the host is shown through an id-mapped mount.
    /// - Returns: Nil for devices, which are several mounts.
    func entry(mapsIDs: (String) -> Bool) -> SandboxLayout.Mount? {
        switch kind {
        case .bind(let source):
            let isAlone = options.contains(.alone)
            let prefix = isAlone ? "" : "r"
            var words = [isAlone ? "bind" : "rbind", prefix + "nosuid"]
            if !options.contains(.writable) { words.append(prefix + "ro") }
            if !options.contains(.devices) { words.append(prefix + "nodev") }
            if options.contains(.notExecutable) { words.append(prefix + "noexec") }
            // Files that the program only reads keep their owner: it reads what every user may read.
            if options.contains(.writable) && mapsIDs(source) { words.append(prefix + "idmap") }
            return .init(destination: place, type: "bind", source: source, options: words)
        case .fileSystem(let type):
            var words = ["nosuid"]
            if !options.contains(.devices) { words.append("nodev") }
            if options.contains(.notExecutable) || type == "proc" { words.append("noexec") }
            // The files of procfs are shown read-only one by one.
            if !options.contains(.writable) && type != "proc" { words.append("ro") }
            if type == "tmpfs" { words.append("mode=1777") }
            if type == "devpts" { words += ["newinstance", "ptmxmode=0666", "mode=0620"] }
            return .init(destination: place, type: type, source: type, options: words)
        case .devices: return nil
        }
    }
}
