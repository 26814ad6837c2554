package comet.base;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/// Marks a package whose behaviour is a function of its inputs: no threads, clocks, files, sockets,
/// loggers, unseeded randomness or iteration in an order that differs between runs. The layer test
/// checks it.
@Retention(RetentionPolicy.CLASS)
@Target(ElementType.PACKAGE)
public @interface Deterministic {}
