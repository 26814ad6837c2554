package comet.tidy;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

/// What the packages of core may touch. Before you loosen a rule, think whether the class lies in
/// the wrong place.
class LayersTest {
    private final JavaClasses core =
            new ClassFileImporter()
                    .withImportOption(new ImportOption.DoNotIncludeTests())
                    .importPackages("comet");

    @Test
    void cores_touch_no_io_no_threads_no_clocks() {
        noClasses()
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "java.io..",
                        "java.nio.file..",
                        "java.nio.channels..",
                        "java.net..",
                        "java.util.concurrent..",
                        "java.lang.foreign..",
                        "java.util.logging..",
                        "java.time..",
                        "java.util.random..")
                .orShould()
                .dependOnClassesThat()
                .haveFullyQualifiedName("java.lang.Thread")
                .orShould()
                .dependOnClassesThat()
                .haveFullyQualifiedName("java.util.Random")
                .orShould()
                .callMethod(System.class, "nanoTime")
                .orShould()
                .callMethod(System.class, "currentTimeMillis")
                .orShould()
                .callMethod(System.class, "identityHashCode", Object.class)
                .orShould()
                .callMethod(java.util.UUID.class, "randomUUID")
                .because("a core is a function of its inputs")
                .check(core);
    }

    @Test
    void dependencies_go_one_way() {
        forbid("comet.base..", "comet.wire..", "comet.cluster..", "comet.port..");
        forbid("comet.wire..", "comet.cluster..", "comet.port..");
        forbid("comet.cluster..", "comet.wire..", "comet.port..");
        forbid(
                "comet.port..",
                "comet.volume..",
                "comet.replica..",
                "comet.store..",
                "comet.index..",
                "comet.meta..");
        forbid(
                "comet.index..",
                "comet.wire..",
                "comet.cluster..",
                "comet.volume..",
                "comet.replica..",
                "comet.store..",
                "comet.meta..");
        forbid("comet.store..", "comet.index..");
        forbid("comet.volume..", "comet.replica..", "comet.store..", "comet.meta..");
        forbid("comet.replica..", "comet.volume..", "comet.meta..");
        forbid("comet.store..", "comet.volume..", "comet.replica..", "comet.meta..");
        forbid("comet.meta..", "comet.volume..", "comet.replica..", "comet.store..");
        slices().matching("comet.(*)..").should().beFreeOfCycles().check(core);
    }

    private void forbid(String from, String... to) {
        noClasses()
                .that()
                .resideInAPackage(from)
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(to)
                .allowEmptyShould(true)
                .check(core);
    }
}
