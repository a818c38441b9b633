internal import OCISpec

/// The network.
extension ConfigurationBuilder {
    var network: Setting<Configuration.Network>? {
        guard let network = request.spec.vfs?.network, invocation.joining == nil else { return nil }
        let origin = Origin.config(network.offset)
        switch network {
        case .proxy(let path): return Setting(.proxy(request.path(path).value), origin)
        case .mode(let mode):
            switch mode.value {
            case .none: return Setting(.none, origin)
            case .host: return Setting(.host, origin)
            case .pasta, .slirp4netns:
                guard case .success(let helper) = host.networkHelper else { return nil }
                return Setting(.helper(helper), origin)
            }
        }
    }

    /// Variables that lead programs to the proxy, unless the config has its own.
    var proxyEnvironment: [String] {
        guard case .proxy = request.spec.vfs?.network else { return [] }
        return NetworkProxy.environment
    }
}
