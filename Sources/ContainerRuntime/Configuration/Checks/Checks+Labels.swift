internal import OCISpec

/// Requirements of AppArmor profiles and SELinux contexts.
extension Checks {
    func labels() {
        if let profile = spec.process?.apparmorProfile {
            refuseControl(profile)
            // The kernel reads `exec NAME`.
            if profile.value.hasPrefix(" ") || profile.value.hasSuffix(" ") {
                diagnostics.error(
                    "\"\(profile.value)\" starts or ends with a space; remove it",
                    at: profile.offset)
            }
        }
        for label in [spec.process?.selinuxLabel, spec.linux?.mountLabel].compactMap({ $0 }) {
            refuseControl(label)
            if label.value.contains("\"") {
                diagnostics.error(
                    "contains a quotation mark; write user:role:type:level", at: label.offset)
            }
        }
        if let label = spec.linux?.mountLabel, label.value.utf8.count > 255 {
            diagnostics.error(
                "is \(label.value.utf8.count) bytes long; the maximum of a mount option is 255",
                at: label.offset)
        }
    }

    private func refuseControl(_ text: Located<String>) {
        if text.value.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) {
            diagnostics.error("contains a control character; remove it", at: text.offset)
        }
    }
}
