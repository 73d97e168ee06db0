/* The constants of functions.h for the precision of a region. Included many times.

   Polynomials, lowest power first, are minimax fits in relative error by the Remez exchange in 60 digits,
   for this project; "error" is the largest relative error of the function with the rounded coefficients. */

#if SC_DOUBLE

#define SC_LN2 0.69314718055994531
#define SC_LN2_HIGH 0.69314718055920821 /* 40 bits: times an exponent it is exact without FMA */
#define SC_LN2_LOW 7.3710025651677989e-13
#define SC_SQRT_HALF_BITS 0x3fe6a09e667f3bcdu
#define SC_NORMAL_MIN 0x1p-1022
#define SC_HEAD_BITS 0xfffffffff8000000u /* keeps 26 bits of a real: its square is exact */

#define SC_EXP_LOW -746 /* exp is 0 from here down, */
#define SC_EXP_HIGH 710 /* infinite from here up */
#define SC_EXPM1_LOW -40
#define SC_LOGISTIC_LOW -755
#define SC_LOGISTIC_HIGH 40
#define SC_LOGISTIC_SHIFT 512
#define SC_LOGISTIC_SCALE 0x1p512 /* 2^shift */
#define SC_TANH_HIGH 20
#define SC_ERF_HIGH 6.5
#define SC_GELU_HIGH 40

/* (exp(r) - 1) / r, |r| <= ln(2)/2; error 2.1e-17 */
#define SC_EXPM1(k) {                                                                         \
    (k), (k) * 0.50000000000000056, (k) * 0.16666666666666563, (k) * 0.041666666666573531,    \
    (k) * 0.0083333333333982431, (k) * 0.001388888893239065, (k) * 0.00019841269706759787,    \
    (k) * 2.4801504434579172e-05, (k) * 2.7557415234598056e-06, (k) * 2.7626332652577808e-07, \
    (k) * 2.5052022088443536e-08}

/* (tanh(r) / r - 1) / r^2 in r^2, |r| <= ln(2); error in tanh 6e-18 */
static const real SC(sc_tanh)[] = {
    -0.33333333333333143, 0.13333333333305808, -0.053968253954470219, 0.021869488189464516,
    -0.0088632304080576933, 0.0035920796943730302, -0.0014555285166057243, 0.00058869593265484048,
    -0.00023510303335999414, 8.8503309561055625e-05, -2.7377495771645808e-05, 4.9111421675521685e-06};

/* (log((1 + s) / (1 - s)) - 2 s) / s^3 in s^2, |s| <= 0.1717; error in the logarithm 1.6e-18 */
static const real SC(sc_log)[] = {
    0.66666666666667351, 0.39999999999411068, 0.28571428743266869, 0.22222198475625285,
    0.18183569756597504, 0.15313902842924823, 0.14797511642590391};

/* log((1 + s) / (1 - s)) / s in s^2, 0 <= s <= 1/3; error 2.2e-18 */
static const real SC(sc_log1p)[] = {
    2, 0.66666666666666308, 0.40000000000155328, 0.28571428548090699, 0.22222223955366094,
    0.18181744417606249, 0.1538654972291891, 0.13301103622330898, 0.12105087768565645,
    0.083443365574288719, 0.17010953498121201};

/* erf(x) / x - 1 in x^2, |x| <= 1; error 3.1e-17 */
static const real SC(sc_erf)[] = {
    0.12837916709551256, -0.37612638903183521, 0.11283791670944175, -0.026866170643109845,
    0.0052239776061044395, -0.00085483259286116687, 0.00012055293555105116, -1.4924711870210072e-05,
    1.6447126098829128e-06, -1.6206270840243765e-07, 1.3710790739618167e-08, -7.7791074899842447e-10};

/* exp(x^2) erfc(x) (x + 3) / 3 in (x - 3) / (x + 3), 0 <= x <= 28; error 3.3e-17 */
static const real SC(sc_erfc)[] = {
    0.35800230236277991, -0.29446481772329453, 0.19674278570136644, -0.1034890873001917,
    0.039842587095813807, -0.0089424115414241754, -0.00040413887690752675, 0.0010113539995027338,
    -0.00018276988343121804, -9.2259274998990524e-05, 3.5853734805605303e-05, 1.0132681961358119e-05,
    -5.8231277878122092e-06, -1.5829184662879783e-06, 9.2075017823831075e-07, 3.3251679511771586e-07,
    -1.3423356320515854e-07, -7.696608592247618e-08, 1.3575834912022684e-08, 1.5766368738227961e-08,
    6.1846320554411471e-10, -1.9841849671266402e-09, -4.6157095069626349e-10};

#else

#define SC_LN2 0.69314718055994531
#define SC_LN2_HIGH 0.693145751953125 /* 15 bits */
#define SC_LN2_LOW 1.4286068203094173e-06
#define SC_SQRT_HALF_BITS 0x3f3504f3u
#define SC_NORMAL_MIN 0x1p-126
#define SC_HEAD_BITS 0xfffff000u /* keeps 12 bits */

#define SC_EXP_LOW -104
#define SC_EXP_HIGH 89
#define SC_EXPM1_LOW -18
#define SC_LOGISTIC_LOW -110
#define SC_LOGISTIC_HIGH 20
#define SC_LOGISTIC_SHIFT 64
#define SC_LOGISTIC_SCALE 0x1p64
#define SC_TANH_HIGH 10
#define SC_ERF_HIGH 4.25
#define SC_GELU_HIGH 15

/* Error 2.3e-8. */
#define SC_EXPM1(k) {                                                                      \
    (k), (k) * 0.49999997f, (k) * 0.166665062f, (k) * 0.0416671373f, (k) * 0.00836910401f, \
    (k) * 0.00138888834f}

/* Error in tanh 8e-9: the second coefficient is two units in the last place below the fit, which alone has 7e-10.
   That shifts the rounding errors just past ln(2), the largest ones, so that both signs stay below 2 ulp. */
static const real SC(sc_tanh)[] = {
    -0.333333254f, 0.133330032f, -0.0539232008f, 0.0215807352f, -0.00790221244f, 0.00190939161f};

/* Error in the logarithm 8.2e-10. */
static const real SC(sc_log)[] = {0.666667759f, 0.399775684f, 0.298714608f};

/* Error 4.5e-9. */
static const real SC(sc_log1p)[] = {2, 0.666664183f, 0.400214374f, 0.280030251f, 0.280068159f};

/* Error 1.5e-9. */
static const real SC(sc_erf)[] = {
    0.128379166f, -0.37612626f, 0.112835787f, -0.0268533472f, 0.0051871622f, -0.000799785252f,
    7.80689661e-05f};

/* Error 2.0e-8. */
static const real SC(sc_erfc)[] = {
    0.358002305f, -0.294464827f, 0.196742743f, -0.103488572f, 0.0398433246f, -0.00894719921f,
    -0.000410492619f, 0.00102731609f, -0.000158008115f, -0.000106836735f};

#endif

static const real SC(sc_expm1)[] = SC_EXPM1(1);
static const real SC(sc_expm1_scaled)[] = SC_EXPM1(SC_LOGISTIC_SCALE);
