internal import OCISpec

/// A kind of namespace that CRIU takes from outside of the images, with the name that runc gives it
/// there.
struct ExternalNamespace {
    /// In `/proc/PID/ns`.
    let file: String
    let key: String

    /// Nil for a kind that CRIU joins by a path.
    init?(_ kind: Spec.Linux.Namespace.Kind) {
        switch kind {
        case .network: (file, key) = ("net", "extRootNetNS")
        case .pid: (file, key) = ("pid", "extRootPidNS")
        default: return nil
        }
    }
}
