internal import LinuxSystem
internal import SystemPackage

extension Hierarchies {
    /// Why a container without a path gets no cgroup with these controllers, before anything is made:
    /// a sentence for each of those that it would not have. Reads a few files of the kernel.
    ///
    /// - Parameter controllers: By their names in version 1. `cpuacct` needs no controller in
    ///   version 2.
    public static func lacks(_ controllers: [String]) -> [(controller: String, sentence: String)] {
        let found: Hierarchies
        do throws(Failure) {
            // The usual case without the table of mounts.
            if let unified = unified(readsOwn: true, readsControllers: true) {
                found = unified
            } else {
                found = try read()
            }
        } catch {
            return controllers.map { ($0, error.message) }
        }
        return controllers.compactMap { controller in
            found.lack(of: controller).map { (controller, $0) }
        }
    }

    private func lack(of controller: String) -> String? {
        if let hierarchy = version1(with: controller) {
            return Hierarchies.refusal(hierarchy.path(hierarchy.own), controller)
        }
        let name = Version2.name(controller)
        guard let version2, controller == "cpuacct" || version2.controllers.contains(name) else {
            return MissingController(controller, self).sentence
        }
        let place = version2.path(ControlGroupPath.parent(of: version2.own))
        if let refusal = Hierarchies.refusal(place, controller) { return refusal }
        if controller == "cpuacct" || GroupFile.words(place, "cgroup.controllers").contains(name) {
            return nil
        }
        return "the controller \(name) is not delegated to \"\(place)\""
    }

    private static func refusal(_ place: String, _ controller: String) -> String? {
        do throws(Errno) {
            try CurrentProcess.checkMayWrite(place)
            return nil
        } catch {
            return "no cgroup can be made in \"\(place)\": \(error.words)"
        }
    }
}
