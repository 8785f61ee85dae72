/** bcrypt hashes of known passwords, at the lowest costs: computing them here would take a library. */
export const HASHES = {
  secret: "$2b$04$zCE48Lk.vh3SwaaDhzHrm.QqgAaIjVG.JV.oWh/8FbY6.BxQ5WR6O",
  a: "$2b$04$TVfxXPHozAq4E/1U6QM/d.FG979H2CShbqcYE7PRZBxHkEYsB3c5.",
  b: "$2b$06$vf6M40BVeA11PxHTvHTGLuULTTog1YolmOCBWovygUI2Q3/T7J8ci",
  first: "$2b$04$OwnniFG8Fh34wehRITnQQONPAH0Bc4m8XMTHIbPDb7RxM1Rhqw9pS",
  second: "$2b$04$KiCPnvsXVcDCjFv1sxa2buDZnc4XozHHmdzPxhiMOZn9r7NA6KSua",
  "of the file": "$2b$04$Puy671Hmy5JaaU6IWF1ISuxWRsEGu99tejdS.ReWrH4Xfb7ogQXqu",
  "of the configuration": "$2b$04$FWJen8tLCAKiTyklvN1vFuzGZ6lGc9pkTRVB.yrlvrpp2HLY1Dv7O",
} as const;
