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

    static func engineAnnotation(_ spec: Spec, _ diagnostics: Diagnostics) {
        for (key, _) in spec.annotations where key.value == CRIUConfigFile.annotation {
            diagnostics.warning(
                "names a file with settings of criu, which can run programs as root when the"
                    + " container is saved or restored; make sure that it does not come from the"
                    + " image", at: key.offset)
        }
        for (key, _) in spec.annotations where key.value.hasPrefix("run.oci.") {
            let words =
                switch EngineAnnotation(rawValue: key.value) {
                case .keepOriginalGroups:
                    "the program keeps the supplementary groups of the user that starts the container, and"
                        + " with them access to files of these groups; make sure that it does not come"
                        + " from the image"
                case .mountContextType:
                    "decides by which mount option files get their SELinux label; make sure that it does"
                        + " not come from the image"
                case nil:
                    "has no effect: this runtime knows of crun's annotations "
                        + EngineAnnotation.allCases.map(\.rawValue).joined(separator: " and ")
                }
            diagnostics.warning(words, at: key.offset)
        }
    }
}
