/** The stages of the compiler, for the preview. */
