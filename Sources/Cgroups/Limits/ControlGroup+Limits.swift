internal import LinuxSystem
internal import OCISpec
internal import SystemPackage

extension ControlGroup {
    /// Every limit but devices.
    func apply(_ resources: Resources, _ hierarchies: Hierarchies) throws(Failure) {
        let current: CurrentValue = { file in version2.flatMap { GroupFile.read($0, file) } }
        let limits = resources.limits(current)
        for controller in resources.controllers {
            guard let (directory, isVersion2) = directory(of: controller) else {
                throw Failure(
                    "the container has no cgroup of the controller \(controller):"
                        + " \(MissingController(controller, hierarchies).sentence)")
            }
            if isVersion2 && controller == "memory" {
                try Version2.checkUsage(resources.memory, current)
            }
            var assignments: [Assignment] = []
            for limit in limits where limit.controller == controller {
                if let assignment = try limit.assignment(isVersion2: isVersion2) {
                    assignments.append(assignment)
                }
            }
            try ControlGroup.write(assignments, directory)
        }
        if !resources.unified.isEmpty {
            let assignments = try Version2.unified(resources, hierarchies)
            guard let version2 else {
                throw Failure("unified: the container has no cgroup of version 2")
            }
            try ControlGroup.write(assignments, version2)
        }
    }

    /// Limits that depend on one another may be refused in one order and taken in another: what
    /// the kernel refuses is tried again after the rest.
    static func write(
        _ assignments: [Assignment], _ directory: String
    ) throws(Failure) {
        var waiting = assignments
        while !waiting.isEmpty {
            var refused: [Assignment] = []
            var first: Failure?
            for assignment in waiting {
                guard let (choice, error) = write(assignment, directory) else { continue }
                let refusal = failure(assignment, choice, directory, error)
                first = first ?? refusal
                if error != .invalidArgument && error != .resourceBusy { throw refusal }
                refused.append(assignment)
            }
            if let first, refused.count == waiting.count { throw first }
            waiting = refused
        }
    }

    /// - Returns: What the kernel does not take, and why; nil where it has it now.
    private static func write(
        _ assignment: Assignment, _ directory: String
    ) -> (choice: Assignment.Choice, error: Errno)? {
        for choice in assignment.choices {
            do throws(Errno) {
                try GroupFile.write(directory, choice.file, choice.value)
                return nil
            } catch .noSuchFileOrDirectory {
                continue
            } catch .notSupportedOnSocket where assignment.isOptional {
                return nil
            } catch {
                return (choice, error)
            }
        }
        return assignment.isOptional
            ? nil : assignment.choices.first.map { ($0, .noSuchFileOrDirectory) }
    }

    private static func failure(
        _ assignment: Assignment, _ choice: Assignment.Choice, _ directory: String, _ error: Errno
    ) -> Failure {
        let file = "\(directory)/\(choice.file)"
        let value = choice.value
        if error == .noSuchFileOrDirectory {
            let why =
                GroupFile.read(directory, "cgroup.controllers").map {
                    assignment.controller.isEmpty
                        || $0.split(separator: " ").contains(Substring(assignment.controller))
                } ?? true
                ? "this kernel does not have it"
                : "the controller \(assignment.controller) is not switched on there"
            return Failure(
                "\(assignment.field): \"\(file)\" is missing: \(why); remove the limit")
        }
        var sentence =
            "\(assignment.field): write \"\(value)\" to \"\(file)\": \(error.words)"
        if error == .resourceBusy, let usage = GroupFile.read(directory, "memory.usage_in_bytes") {
            sentence += "; \(usage) bytes are in use"
        } else if error == .invalidArgument || error == .outOfRange {
            sentence += "; the kernel does not take this value here"
        } else if error == .operationNotSupportedByDevice || error == .noSuchAddressOrDevice {
            // Of an adapter, an interface or a block device the value begins with the name.
            sentence += "; \"\(value.prefix { $0 != " " })\" is not there"
        } else if error == .notSupportedOnSocket, choice.file.hasSuffix("weight") {
            sentence +=
                "; nothing that weighs is switched on for this device: make bfq its scheduler"
        }
        return Failure(sentence)
    }
}
