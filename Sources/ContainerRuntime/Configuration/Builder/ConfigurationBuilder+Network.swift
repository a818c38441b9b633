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

    /// The content of /etc/resolv.conf, unless the config has a file or a mount there.
    var resolver: String? {
        let path = "/etc/resolv.conf"
        let hasOwn =
            request.mounts.contains { PathText.cleaned($0.mount.destination) == path }
            || (request.spec.vfs?.files ?? []).contains { PathText.cleaned($0.path.value) == path }
        if hasOwn || request.joinsMounts { return nil }
        guard let network = network?.value else { return nil }
        switch network {
        case .host: return host.resolver
        case .helper(let helper): return "nameserver \(helper.nameServer)\n"
        case .proxy, .none: return nil
        }
    }

    /// Variables that lead programs to the proxy, unless the config has its own.
    var proxyEnvironment: [String] {
        guard case .proxy = request.spec.vfs?.network else { return [] }
        return NetworkProxy.environment
    }
}
