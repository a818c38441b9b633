public import JSON

extension ControlGroup {
    /// The usage of the container so far: the `data` of an event in runc's format. Times in
    /// nanoseconds, sizes in bytes. What is zero, or not counted on this host, is left out where
    /// runc leaves it out.
    ///
    /// - Parameter resctrl: The container's group of resctrl, where it has one.
    public func statistics(resctrl: ResctrlGroup? = nil) -> JSONOutput {
        let counted = Measurement(group: self)
        return .object([
            ("cpu", counted.cpu), ("cpuset", counted.cpuset), ("memory", counted.memory),
            ("pids", counted.pids), ("blkio", counted.blockIO), ("hugetlb", counted.hugepages),
            ("intel_rdt", resctrl?.statistics() ?? .object([])),
            ("network_interfaces", .null),
        ])
    }
}
