/* Included before every C file of the library (see build.sh): binds functions whose default version is newer than GLIBC 2.17
 * to the one that every supported system has, so that a library built on a new system runs on an old one. */
#if !defined(__ASSEMBLER__) && defined(__linux__) && defined(__x86_64__) && defined(__GNUC__)
#define MCD_OLD(name) __asm__(".symver " #name "," #name "@GLIBC_2.2.5")
MCD_OLD(pthread_create);
MCD_OLD(pthread_detach);
MCD_OLD(pthread_getattr_np);
MCD_OLD(pthread_join);
MCD_OLD(pthread_key_create);
MCD_OLD(pthread_setspecific);
MCD_OLD(pthread_getspecific);
MCD_OLD(pthread_once);
MCD_OLD(pthread_sigmask);
MCD_OLD(pthread_attr_getstack);
MCD_OLD(pthread_attr_getstacksize);
MCD_OLD(pthread_attr_setstacksize);
MCD_OLD(pthread_mutex_trylock);
MCD_OLD(pthread_rwlock_rdlock);
MCD_OLD(pthread_rwlock_unlock);
MCD_OLD(pthread_rwlock_wrlock);
MCD_OLD(sem_init);
MCD_OLD(sem_post);
MCD_OLD(sem_wait);
MCD_OLD(sem_timedwait);
MCD_OLD(dlopen);
MCD_OLD(dlsym);
MCD_OLD(dlclose);
MCD_OLD(dlerror);
MCD_OLD(exp);
MCD_OLD(log);
MCD_OLD(pow);
MCD_OLD(exp2);
MCD_OLD(log2);
#undef MCD_OLD
#endif
