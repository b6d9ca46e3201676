"""The currencies an amount may be in, and how many digits each counts behind the point.

Source: ISO 4217, list one (active codes), as its maintenance agency SIX publishes it, after amendment 180
(January 2026). A table of our own, because stored minor units mean what they mean by it: an update of a
library must not read them anew. Unicode's CLDR, which libraries bring, says how amounts are *shown* and
counts no digits where ISO counts two (RSD, MMK) or three (IQD). Codes without a minor unit (gold, special
drawing rights, "no currency") are no money here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_BY_EXPONENT: Final = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: """
        AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE
        CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD
        HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK
        MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD
        RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH
        USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG
    """,
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
# List three (historic codes): amounts of their last years are still being reported, credited and verified.
_LATELY_WITHDRAWN: Final = "ANG BGN HRK SLL ZWL"

#: Digits behind the point, by code.
EXPONENTS: Final[Mapping[str, int]] = MappingProxyType(
    {code: digits for digits, codes in _BY_EXPONENT.items() for code in codes.split()}
    | dict.fromkeys(_LATELY_WITHDRAWN.split(), 2)
)
