internal import LinuxSystem
internal import OCISpec

/// `vfs.network`
extension Checks {
    func network() {
        guard let network = spec.vfs?.network, request.invocation.joining == nil else { return }
        let offset = network.offset
        let entry = spec.linux?.namespaces.first { $0.type.value == .network }
        if case .mode(let mode) = network, mode.value == .host {
            guard entry != nil else { return }
            return diagnostics.error(
                "the host's network needs no network namespace; remove the entry {\"type\":"
                    + " \"network\"} from linux.namespaces, or write \"none\"", at: offset)
        }
        let isOwn = entry.map { $0.path?.value.isEmpty ?? true } ?? false
        if !isOwn {
            return diagnostics.error(
                "needs a network namespace of the container's own; add an entry {\"type\":"
                    + " \"network\"} without a path to linux.namespaces", at: offset)
        }
        if case .mode(let mode) = network, mode.value == .none { return }
        if request.invocation.container != nil {
            return diagnostics.error(
                "the network would end with the runtime process, and a named container can outlive it;"
                    + " use the one-shot form or \"sandbox\"", at: offset)
        }
        if case .mode(let mode) = network { helper(mode) }
    }

    private func helper(_ mode: Located<Spec.VFS.Network.Mode>) {
        if case .failure(let failure) = host.networkHelper {
            diagnostics.error(failure.message, at: mode.offset)
        }
        guard mode.value == .pasta, request.userNamespace.namespace == nil else { return }
        diagnostics.error(
            "pasta joins a user namespace of the container's own; add an entry {\"type\": \"user\"} with"
                + " mappings to linux.namespaces, or use \"slirp4netns\"", at: mode.offset)
    }
}
