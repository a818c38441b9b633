internal import LinuxSystem
internal import SystemPackage

/// The facts about an overlay mount that failed, and the rules that work the cause out of
/// it. The kernel says it in its context log in few cases, in its own log in most, for the
/// privileged; the rules need neither.
struct OverlayFacts {
    /// `lowerdir+`, `upperdir`, `workdir`, `option`, or the call that failed.
    var key: String
    /// The layer or the option the key was set to.
    var subject: String?
    var errno: Errno
    var options: [String]
    /// The kernel's messages about this mount.
    var contextWords: [String] = []
    /// Its log messages meanwhile. Other mounts are in there too, so they explain nothing
    /// by itself and is only passed on.
    var logWords: [String] = []
    var lowers: [Place] = []
    var upper: Place?
    var work: Place?

    init(key: String, subject: String?, errno: Errno, options: [String]) {
        self.key = key
        self.subject = subject
        self.errno = errno
        self.options = options
    }

    /// The first rule that holds.
    var explanation: OverlayError {
        let sentence =
            optionRule ?? layerRule ?? missingRule ?? workRule ?? overlapRule ?? stateRule
            ?? conflictRule ?? kernelRule
        return OverlayError(sentence, errno, kernelWords: contextWords + logWords)
    }

    // MARK: Rules, each a sentence or nil

    private func kernelSays(_ text: String) -> Bool { contextWords.contains { $0.has(text) } }

    private var optionRule: String? {
        guard key == "option", let option = subject else { return nil }
        let parts = option.split(separator: "=", maxSplits: 1)
        if parts.count == 2, parts[1].utf8.count > 255 {
            return "the overlay option \"\(parts[0])\" has \(parts[1].utf8.count) bytes; the kernel"
                + " takes at most 255"
        }
        if kernelSays("Unknown parameter") {
            return "overlayfs of this kernel does not know the option \"\(option)\"; remove it from"
                + " vfs.overlay.options"
        }
        if kernelSays("Bad value") {
            return "overlayfs does not take \"\(option)\"; most of its options are \"on\" or"
                + " \"off\""
        }
        if kernelSays("Unexpected value") {
            return "the overlay option \"\(parts.first ?? "")\" takes no value; write it alone"
        }
        return nil
    }

    private var layerRule: String? {
        guard let subject, key != "option" else { return nil }
        let role = ["lowerdir+": "layer", "upperdir": "upper", "workdir": "work directory"][key]
        let name = "the \(role ?? key) \"\(subject)\""
        if kernelSays("is not a directory") || errno == .notDirectory {
            return "\(name) is not a directory; a layer is a directory"
        }
        if errno == .noSuchFileOrDirectory {
            return "\(name) does not exist; make it or correct the path"
        }
        if kernelSays("read-only") || errno == .readOnlyFileSystem {
            return "\(name) \(OverlayFacts.readOnlyWords)"
        }
        if kernelSays("too many lower directories") {
            return "too many layers: overlayfs stacks at most \(OverlayMount.maximumLayers); merge"
                + " some of them"
        }
        if kernelSays("not supported as upperdir") || kernelSays("not supported as") {
            return "\(name) is on a file system that cannot hold a writable layer; put it on"
                + " ext4, xfs, btrfs or tmpfs"
        }
        return nil
    }

    private static let readOnlyWords =
        "is on a read-only file system; put the writable layer elsewhere or leave \"upper\" out for"
        + " a throw-away one"

    private var missingRule: String? {
        guard errno == .invalidArgument else { return nil }
        if lowers.isEmpty { return "an overlay needs at least one layer below the upper" }
        if upper != nil && work == nil {
            return "the upper has no work directory; give it one on the same file system"
        }
        if upper == nil && lowers.count < 2 {
            return "an overlay without an upper needs at least two layers"
        }
        return nil
    }

    private var workRule: String? {
        guard let upper, let work else { return nil }
        if work.isSame(as: upper) || work.isInside(upper) || upper.isInside(work) {
            return "the upper (\"\(upper.path)\") and the work directory (\"\(work.path)\") must"
                + " lie beside each other, neither inside the other"
        }
        if upper.mountID != work.mountID {
            return "the upper (\"\(upper.path)\") and the work directory (\"\(work.path)\") are on"
                + " different mounts; put both on one file system"
        }
        for (role, place) in [("upper", upper), ("work directory", work)] where place.isReadOnly {
            return "the \(role) \"\(place.path)\" \(OverlayFacts.readOnlyWords)"
        }
        if errno == .readOnlyFileSystem {
            let reason = logWords.last.map { ": \($0)" } ?? ""
            return "the upper \"\(upper.path)\" is on a file system that cannot hold a writable"
                + " layer\(reason); put it on ext4, xfs, btrfs or tmpfs"
        }
        return nil
    }

    private var overlapRule: String? {
        guard errno == .tooManySymbolicLinkLevels else { return nil }
        for (position, one) in lowers.enumerated() {
            for other in lowers[..<position] {
                if one.isSame(as: other) {
                    return "the layer \"\(one.path)\" is named twice; name it once"
                }
                let (inner, outer) = one.isInside(other) ? (one, other) : (other, one)
                if inner.isInside(outer) {
                    return "the layer \"\(inner.path)\" lies inside the layer"
                        + " \"\(outer.path)\"; layers must be separate trees"
                }
            }
            for (role, place) in [("upper", upper), ("work directory", work)] {
                guard let place else { continue }
                if one.isSame(as: place) {
                    return "\"\(one.path)\" is a layer and the \(role) at once; they must be"
                        + " different directories"
                }
                if one.isInside(place) || place.isInside(one) {
                    return "the layer \"\(one.path)\" and the \(role) \"\(place.path)\" lie inside"
                        + " one another; they must be separate trees"
                }
            }
        }
        return nil
    }

    private var stateRule: String? {
        guard let upper else { return nil }
        if let work, work.hasVolatileMark, errno == .invalidArgument {
            return "the upper \"\(upper.path)\" was left by a \"volatile\" mount and may be"
                + " incomplete; throw it away, or remove \"\(work.path)/work/incompat\" if you"
                + " trust it"
        }
        if errno == .staleNFSFileHandle {
            return "the upper \"\(upper.path)\" was made over other layers than these; use the"
                + " layers it was made with, or a new upper"
        }
        if errno == .resourceBusy {
            return "the upper \"\(upper.path)\" or its work directory is in use by another overlay;"
                + " end that one first"
        }
        return nil
    }

    private var conflictRule: String? {
        guard errno == .invalidArgument else { return nil }
        for (one, other) in [
            ("metacopy=on", "userxattr"), ("nfs_export=on", "metacopy=on"),
            ("redirect_dir=on", "userxattr"), ("nfs_export=on", "index=off"),
            ("metacopy=on", "redirect_dir=off"),
            ("metacopy=on", "redirect_dir=follow"), ("metacopy=on", "redirect_dir=nofollow"),
        ] where options.contains(one) && options.contains(other) {
            return "the overlay options \"\(one)\" and \"\(other)\" exclude each other; remove one"
        }
        return nil
    }

    /// Nothing of our own fits: the kernel's words as they are.
    private var kernelRule: String {
        let object = subject.map { " \"\($0)\"" } ?? ""
        if let last = contextWords.last ?? logWords.last { return "overlayfs: \(last)" }
        return "\(key)\(object): \(errno.words); the kernel's log (dmesg) may say more,"
            + " and \"vfs-run doctor\" tries what works here"
    }
}
