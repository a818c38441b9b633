internal import JSON
internal import OCISpec

/// The document as such, and its root.
extension Advice {
    /// Of editors, and parts of the specification for other systems.
    private static let foreign: Set<String> = [
        "$schema", "solaris", "windows", "vm", "zos", "freebsd",
    ]

    static func unknownKey(_ spec: Spec, _ diagnostics: Diagnostics) {
        guard let recorder = diagnostics.recorder else { return }
        diagnostics.reportUnknownMembers(recorder, foreign: foreign)
    }

    static func hostRoot(_ spec: Spec, _ diagnostics: Diagnostics) {
        guard let path = spec.root?.path, PathText.cleaned(path.value) == "/" else { return }
        diagnostics.warning(
            "the root is the host's: the program reads every file that its user may read, and finds the"
                + " directories empty that are mounts of their own, such as a separate /home; name an"
                + " unpacked image (\"vfs-run unpack\"), or use \"vfs-run sandbox\"",
            at: path.offset)
    }
}
