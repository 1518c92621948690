/* The version of prefkit: `prefkit --version`, and the provenance that is
 * written into models and stores. */
#ifndef PREFKIT_COMMON_VERSION_H
#define PREFKIT_COMMON_VERSION_H

#define PK_VERSION "0.1.0"

#endif
