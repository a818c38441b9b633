internal import JSON
public import LinuxSystem
internal import OCISpec

extension StoredContainer {
    /// The config that it was created from.
    func spec() throws(Failure) -> Spec {
        Spec(Diagnostics(try config(process: nil), file: ContainerStore.configName))
    }

    /// The directory that keeps what it writes; nil where that is thrown away.
    public func keptUpper() throws(Failure) -> String? {
        guard let bundle = try state()?.bundle else { return nil }
        guard case .object(let overlay) = try spec().vfs?.overlay, let upper = overlay.upper else {
            return nil
        }
        return PathText.absolute(upper.value, from: bundle)
    }
}
