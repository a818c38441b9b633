internal import LinuxSystem
internal import OCISpec

/// Annotations of crun that podman sets and that change what a container is.
///
/// An image can plant them: `features` lists them, `lint` tells of each, and `unpack` leaves them out.
enum EngineAnnotation: String, CaseIterable {
    /// `podman run --group-add keep-groups`: the caller's supplementary groups stay.
    case keepOriginalGroups = "run.oci.keep_original_groups"
    /// The mount option that `linux.mountLabel` becomes.
    case mountContextType = "run.oci.mount_context_type"

    /// The words of the mount option (mount(8)).
    static let contextTypes = ["context", "fscontext", "defcontext", "rootcontext"]

    func value(in spec: Spec) -> Located<String>? {
        spec.annotations.last { $0.key.value == rawValue }?.value
    }
}

extension Request {
    /// Whether the caller's groups stay. Only without root: a user keeps what they have anyway.
    var keepsGroups: Bool {
        guard invocation.privilege != .full,
            let value = EngineAnnotation.keepOriginalGroups.value(in: spec)
        else { return false }
        return value.value != "0"
    }
}

extension Checks {
    func engineAnnotations() {
        if request.invocation.privilege == .full,
            let value = EngineAnnotation.keepOriginalGroups.value(in: spec), value.value != "0"
        {
            diagnostics.warning(
                "is ignored for root, whose container gets the groups of the config; run vfs-run without"
                    + " root privileges", at: value.offset)
        }
        if let type = EngineAnnotation.mountContextType.value(in: spec),
            !EngineAnnotation.contextTypes.contains(type.value)
        {
            diagnostics.error(
                "\(type.value.inQuotes) is no mount option for a label; allowed are "
                    + EngineAnnotation.contextTypes.joined(separator: ", "), at: type.offset)
        }
    }
}
