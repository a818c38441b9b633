/// The devices and the terminal in the container's tree.
enum DevicesSection: PlanSection {
    static let title = "Devices"
    static let about = """
        They are made in the mounts, and a mount that is read-only becomes so after them.
        """

    static var kinds: [any Step.Type] {
        [MakeDefaultDevices.self, MakeDevice.self, OpenTerminal.self]
    }

    static func plan(_ facts: PlanFacts, _ plan: inout PlannedSteps) {
        let configuration = facts.configuration
        let binds = configuration.isRestricted
        if configuration.makesDefaultDevices {
            plan.add(
                MakeDefaultDevices(
                    binds: binds,
                    described: binds
                        ? [] : MakeDefaultDevices.described(by: configuration.devices)),
                configuration.privilege == .none ? .rootless : .standard)
        }
        for device in configuration.devices {
            plan.add(MakeDevice(device: device, binds: binds), device.origin)
        }
        planTerminal(isConsole: true, facts, &plan)
    }

    /// - Parameter isConsole: Whether it becomes the container's `/dev/console`.
    static func planTerminal(
        isConsole: Bool, _ facts: PlanFacts, _ plan: inout PlannedSteps
    ) {
        let process = facts.configuration.process
        guard let terminal = process.terminal else { return }
        plan.add(
            OpenTerminal(
                size: terminal.value.size, userID: process.user.value.userID,
                isConsole: isConsole), terminal.origin)
    }
}
