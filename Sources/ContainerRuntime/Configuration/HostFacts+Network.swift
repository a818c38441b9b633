internal import LinuxSystem
internal import OCISpec

/// What `vfs.network` needs of the host.
extension HostFacts {
    /// The helper that a request needs.
    static func networkHelper(
        _ request: Request
    ) -> Result<Configuration.NetworkHelper, Failure>? {
        guard case .mode(let mode) = request.spec.vfs?.network,
            let kind = Configuration.NetworkHelper.Kind(rawValue: mode.value.rawValue)
        else { return nil }
        let places = Configuration.NetworkHelper.directories.map { "\($0)/\(kind.rawValue)" }
        for path in places where (try? CurrentProcess.checkMayExecute(path)) != nil {
            return .success(.init(kind: kind, path: path))
        }
        return .failure(
            Failure(
                "\(kind.rawValue) is not installed: none of \(places.joined(separator: ", ")) can be"
                    + " executed; install the package"
                    + " \(Configuration.NetworkHelper.package(kind)), or use another network"))
    }

    /// The host's list of name servers, for a container with the host's network.
    static func resolver(_ request: Request) -> String? {
        guard case .mode(let mode)? = request.spec.vfs?.network, mode.value == .host else {
            return nil
        }
        let bytes = try? HostPath.read("/etc/resolv.conf", limit: 1 << 16)
        return bytes.map { String(decoding: $0, as: UTF8.self) }
    }
}
