internal import LinuxSystem

/// An overlay of `mounts[]`, whose directories are the host's.
struct MountedOverlay: Sendable, Hashable {
    /// Bottom first.
    var lowers: [String]
    var upper: String?
    var work: String?
    /// As overlayfs has them.
    var options: [String]

    /// Nil for another file system, and for an overlay without directories of the host.
    init?(_ mount: Configuration.Mount) {
        guard case .fileSystem("overlay", _, let parameters) = mount.kind else { return nil }
        (lowers, options) = ([], [])
        for parameter in parameters {
            let value = parameter.value ?? ""
            switch parameter.key {
            case "lowerdir": lowers = MountedOverlay.directories(value).reversed()
            // Each further one lies below those before it.
            case "lowerdir+": lowers.insert(value, at: 0)
            case "upperdir": upper = MountedOverlay.unescaped(value)
            case "workdir": work = MountedOverlay.unescaped(value)
            default:
                options.append(parameter.value.map { "\(parameter.key)=\($0)" } ?? parameter.key)
            }
        }
        if lowers.isEmpty && upper == nil { return nil }
    }

    /// A list with colons between, top first; a backslash makes the next character a part of a name.
    static func directories(_ list: String) -> [String] {
        var found = [""]
        var isEscaped = false
        for character in list {
            if isEscaped {
                found[found.count - 1].append(character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if character == ":" {
                found.append("")
            } else {
                found[found.count - 1].append(character)
            }
        }
        return found
    }

    private static func unescaped(_ name: String) -> String {
        var text = ""
        var isEscaped = false
        for character in name {
            isEscaped = !isEscaped && character == "\\"
            if !isEscaped { text.append(character) }
        }
        return text
    }
}
