internal import LinuxSystem

/// Settings of the new namespaces.
enum KernelSection: PlanSection {
    static let title = "Settings of the namespaces"
    static let about = """
        Names, the network and kernel parameters of the namespaces that the container has of its \
        own.
        """

    static var kinds: [any Step.Type] {
        [
            SetHostName.self, SetDomainName.self, BringLoopbackUp.self, ListenForProxy.self,
            SetSystemControl.self,
        ]
    }

    static func plan(_ facts: PlanFacts, _ plan: inout PlannedSteps) {
        let configuration = facts.configuration
        if let name = configuration.hostname {
            plan.add(SetHostName(name: name.value), name.origin)
        }
        if let name = configuration.domainname {
            plan.add(SetDomainName(name: name.value), name.origin)
        }
        if facts.newNamespaces.contains(.network) { plan.add(BringLoopbackUp()) }
        if let network = configuration.network, case .proxy = network.value {
            plan.add(ListenForProxy(), network.origin)
        }
        for device in configuration.networkDevices {
            plan.add(
                MoveNetworkDevice(name: device.value.name, newName: device.value.newName),
                device.origin)
        }
        for parameter in configuration.sysctl {
            plan.add(
                SetSystemControl(path: parameter.value.key, value: parameter.value.value),
                parameter.origin)
        }
    }
}
